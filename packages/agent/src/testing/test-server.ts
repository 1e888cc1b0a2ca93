import { EventEmitter, once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { InstanceId, JobId } from '@berth/core/ids';
import type { ClusterInfo, JobAssignment } from '@berth/core/job-spec';
import { Secret } from '@berth/core/secret';
import type { JobEnded } from '../job-record.ts';
import type { AgentEvent, JobMetrics } from '../protocol.ts';
import { type AgentLink, connectAgent } from '../server-link.ts';

export const TEST_SECRET = 'open sesame';
export const ALONE: ClusterInfo = { rank: 0, ips: ['127.0.0.1'], gpusPerNode: [0] };

interface StoredEvent {
  readonly seq: number;
  readonly at: number;
  readonly event: AgentEvent;
}

interface StoredLog {
  bytes: number;
  readonly chunks: Buffer[];
  readonly times: number[];
}

/**
 * Stands in for the server in tests: stores what the agent sends and checks that nothing comes twice
 * or is left out. It may lose its link and make a new one, as a server that is restarted does.
 */
export class TestServer {
  readonly #instance: InstanceId;
  readonly events: StoredEvent[] = [];
  readonly metrics: JobMetrics[] = [];
  /** Broken promises of the link, such as a gap in a log. */
  readonly faults: string[] = [];
  /** Called before log bytes are stored; may be slow, may throw. */
  beforeLog: (job: JobId, bytes: Uint8Array) => Promise<void> = async () => undefined;
  beforeEvent: (event: AgentEvent) => Promise<void> = async () => undefined;
  /** False: logs are counted and thrown away. */
  keepsLogs = true;
  closes = 0;
  #link: AgentLink | null = null;
  readonly #logs = new Map<string, StoredLog>();
  readonly #changes = new EventEmitter().setMaxListeners(0);

  constructor(instance: InstanceId) {
    this.#instance = instance;
  }

  get link(): AgentLink {
    if (this.#link === null) throw new Error('The test server is not connected.');
    return this.#link;
  }

  get lastEvent(): number {
    return this.events.at(-1)?.seq ?? 0;
  }

  async connect(to: Duplex | { readonly socketPath: string }, secret = TEST_SECRET): Promise<AgentLink> {
    this.#link = await connectAgent({
      to,
      server: 'test',
      secret: new Secret(secret),
      instance: this.#instance,
      resume: {
        event: this.lastEvent,
        logs: Object.fromEntries([...this.#logs].map(([job, log]) => [job, log.bytes])),
      },
      handlers: {
        onEvent: async (entry) => {
          await this.beforeEvent(entry.event);
          if (entry.seq <= this.lastEvent) this.faults.push(`event ${entry.seq} came after ${this.lastEvent}`);
          this.events.push(entry);
          this.#changes.emit('change');
        },
        onLog: async (job, offset, at, bytes) => {
          await this.beforeLog(job, bytes);
          const log = this.#log(job);
          if (offset !== log.bytes) this.faults.push(`log of ${job} came at ${offset}, expected ${log.bytes}`);
          log.bytes = offset + bytes.length;
          if (this.keepsLogs) log.chunks.push(Buffer.from(bytes));
          log.times.push(at);
          this.#changes.emit('change');
        },
        onMetrics: (metrics) => {
          this.metrics.push(...metrics);
          this.#changes.emit('change');
        },
        onClose: () => {
          this.closes += 1;
          this.#changes.emit('change');
        },
      },
    });
    return this.#link;
  }

  /** Everything of a job's log that has come. */
  logOf(job: JobId): Buffer {
    return Buffer.concat(this.#log(job).chunks);
  }

  logBytes(job: JobId): number {
    return this.#log(job).bytes;
  }

  logTimes(job: JobId): readonly number[] {
    return this.#log(job).times;
  }

  eventsOf(job: JobId): readonly AgentEvent[] {
    return this.events.map((entry) => entry.event).filter((event) => 'job' in event && event.job === job);
  }

  problems(job: JobId | null): readonly Extract<AgentEvent, { kind: 'problem' }>[] {
    return this.events.flatMap(({ event }) => (event.kind === 'problem' && event.job === job ? [event] : []));
  }

  /** Resolves as soon as `found` returns something; fails after `limitMs` with what was waited for. */
  async until<T>(what: string, found: () => T | undefined | false, limitMs = 20_000): Promise<T> {
    const signal = AbortSignal.timeout(limitMs);
    for (;;) {
      const value = found();
      if (value !== undefined && value !== false) return value;
      try {
        await once(this.#changes, 'change', { signal });
      } catch {
        throw new Error(
          `Waited ${limitMs} ms for: ${what}. Events: ${JSON.stringify(this.events.map((e) => e.event))}`,
        );
      }
    }
  }

  async eventOf<K extends AgentEvent['kind']>(
    job: JobId,
    kind: K,
    limitMs?: number,
  ): Promise<Extract<AgentEvent, { kind: K }>> {
    return await this.until(
      `${kind} of ${job}`,
      () => this.eventsOf(job).find((event): event is Extract<AgentEvent, { kind: K }> => event.kind === kind),
      limitMs,
    );
  }

  /** Submits a job and starts it as soon as it is ready; resolves when it runs or has ended. */
  async begin(assignment: JobAssignment, cluster: ClusterInfo = ALONE): Promise<void> {
    await this.link.request('job.submit', { assignment });
    await this.until(`${assignment.job} is ready`, () =>
      this.eventsOf(assignment.job).some((event) => event.kind === 'job-ready' || event.kind === 'job-ended'),
    );
    await this.link.request('job.start', { job: assignment.job, cluster });
  }

  /** Runs a job to its end, with all of its log. */
  async run(assignment: JobAssignment, cluster: ClusterInfo = ALONE): Promise<JobEnded> {
    await this.begin(assignment, cluster);
    return await this.end(assignment.job);
  }

  /** Resolves when the job has ended and its log has come. */
  async end(job: JobId, limitMs = 60_000): Promise<JobEnded> {
    const ended = await this.eventOf(job, 'job-ended', limitMs);
    await this.until(`all of the log of ${job}`, () => this.logBytes(job) >= ended.logBytes, limitMs);
    return ended;
  }

  #log(job: string): StoredLog {
    const known = this.#logs.get(job);
    if (known !== undefined) return known;
    const log: StoredLog = { bytes: 0, chunks: [], times: [] };
    this.#logs.set(job, log);
    return log;
  }
}
