import { randomUUID } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstanceId, JobId } from '@berth/core/ids';
import type { InstanceResources } from '@berth/core/offer';
import { VERSION } from '@berth/core/version';
import type { AgentLog } from './agent-log.ts';
import { BLOB_LIMITS, type BlobLimits, BlobStore } from './blob-store.ts';
import { type AgentClock, ForwardTime } from './clock.ts';
import type { DockerClient } from './docker-client.ts';
import { RequestFailure } from './failure.ts';
import { hostInfo, vendorOf } from './host.ts';
import { artifactsPath } from './job.ts';
import type { JobLog } from './job-log.ts';
import { JobTable } from './job-table.ts';
import { Journal } from './journal.ts';
import { Listener, type ListenerHost } from './listener.ts';
import { SPOOL_OPTIONS, type SpoolOptions } from './log-spool.ts';
import { measureJobs } from './metrics.ts';
import {
  type AgentEvent,
  type AgentHello,
  type AgentMethod,
  type AgentMethods,
  BLOB_CHUNK,
  PROTOCOL_VERSION,
} from './protocol.ts';
import type { Answer } from './session.ts';
import { watchSurroundings } from './surroundings.ts';

export interface AgentOptions {
  /** Holds everything that outlives the process; the caller has its lock. */
  readonly dir: string;
  readonly socketPath: string;
  readonly instance: InstanceId;
  readonly secret: string;
  readonly resources: InstanceResources;
  readonly docker: DockerClient;
  readonly clock: AgentClock;
  readonly log: AgentLog;
  readonly metricsMs: number;
  /** How long to stay without jobs and without a server. */
  readonly orphanAfterMs: number;
  readonly spool?: Partial<SpoolOptions>;
  readonly blobs?: Partial<BlobLimits>;
}

/** How long an ending agent waits for the server to store its last events. */
const SETTLE_MS = 2_000;
/** Grace for jobs that end because the agent does, where the job itself allows more. */
const NO_GRACE_MS = 0;

/** The agent: what the server's requests come to, and where the parts meet. */
export class Agent implements ListenerHost {
  readonly instance: InstanceId;
  readonly secret: string;
  readonly log: AgentLog;
  readonly journal: Journal;
  /** Resolves when the agent has ended, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #options: AgentOptions;
  readonly #bootId = randomUUID();
  readonly #time: ForwardTime;
  readonly #blobs: BlobStore;
  readonly #closing = Promise.withResolvers<void>();
  #jobs: JobTable | null = null;
  #listener: Listener | null = null;
  #stopWatching: () => void = () => undefined;
  #isEnding = false;
  #journalFails = false;

  private constructor(options: AgentOptions, journal: Journal, blobs: BlobStore) {
    this.#options = options;
    this.instance = options.instance;
    this.secret = options.secret;
    this.log = options.log;
    this.journal = journal;
    this.#blobs = blobs;
    this.#time = new ForwardTime(options.clock);
    this.closed = this.#closing.promise;
  }

  /** Takes up an earlier agent's jobs, then listens. */
  static async open(options: AgentOptions): Promise<Agent> {
    await mkdir(options.dir, { recursive: true, mode: 0o700 });
    const journal = await Journal.open(join(options.dir, 'journal'));
    const blobs = await BlobStore.open(join(options.dir, 'blobs'), { ...BLOB_LIMITS, ...options.blobs });
    const agent = new Agent(options, journal, blobs);
    agent.#jobs = await JobTable.open(
      {
        ...options,
        blobs,
        spool: { ...SPOOL_OPTIONS, ...options.spool },
        emit: (event) => agent.#emit(event),
        onLogData: () => agent.#listener?.session?.pumpLogs(),
      },
      (job) => journal.forget((event) => 'job' in event && event.job === job),
    );
    agent.#listener = await Listener.open(agent, options.socketPath);
    agent.#watch();
    void agent.#table.sweepContainers();
    options.log.write(`Agent ${VERSION} of instance ${options.instance} listens, process ${process.pid}.`);
    return agent;
  }

  logs(): Iterable<readonly [JobId, JobLog]> {
    return this.#table.logs();
  }

  async hello(): Promise<AgentHello> {
    const host = await hostInfo(this.#options.resources, this.#options.docker);
    return {
      t: 'hello',
      protocol: PROTOCOL_VERSION,
      version: VERSION,
      instance: this.instance,
      bootId: this.#bootId,
      pid: process.pid,
      host,
      jobs: this.#table.all.map((job) => job.snapshot()),
      unstarted: this.#table.unstarted,
    };
  }

  async answer<M extends AgentMethod>(
    method: M,
    params: AgentMethods[M]['params'],
    payload: Uint8Array,
  ): Promise<Answer<M>> {
    const handlers: { readonly [K in AgentMethod]: (params: AgentMethods[K]['params']) => Promise<Answer<K>> } = {
      'job.submit': async ({ assignment }) => {
        if (this.#isEnding) throw new RequestFailure('internal', 'This agent is ending and takes no more jobs.');
        await this.#table.submit(assignment);
        return { result: {} };
      },
      'job.start': async ({ job, cluster }) => {
        await this.#table.get(job).start(cluster);
        return { result: {} };
      },
      'job.stop': async ({ job, graceMs }) => {
        this.#table.find(job)?.stop(graceMs);
        return { result: {} };
      },
      'job.remove': async ({ job }) => {
        await this.#table.remove(job);
        this.#listener?.session?.forget(job);
        return { result: {} };
      },
      'blob.missing': async ({ hashes }) => ({ result: { missing: await this.#blobs.missing(hashes) } }),
      'blob.put': async ({ hash, offset, last }) => {
        await this.#blobs.put(hash, offset, payload, last);
        return { result: {} };
      },
      'artifacts.read': async ({ job, offset }) => await this.#readArtifacts(job, offset),
      'agent.shutdown': async () => {
        void this.shutdown('The server asked for it.');
        return { result: {} };
      },
    };
    return await handlers[method](params);
  }

  /** Stops every job within its own grace, tells their ends, and ends. A second call makes the jobs end at once. */
  async shutdown(why: string, lastly: () => Promise<void> = async () => undefined): Promise<void> {
    const running = this.#table.all.filter((job) => !job.isEnded);
    for (const job of running) job.stop(this.#isEnding ? NO_GRACE_MS : job.record.stopDurationMs);
    if (this.#isEnding) return await this.closed;
    this.#isEnding = true;
    this.log.write(`Ending: ${why}`);
    await Promise.all(running.map((job) => job.ended));
    await lastly();
    await this.#listener?.session?.settled(SETTLE_MS);
    this.#stopWatching();
    await this.#listener?.close();
    await this.journal.close();
    this.#closing.resolve();
  }

  /** Something failed that no job is to blame for. */
  reportInternal(message: string): void {
    this.log.write(`Internal error: ${message}`);
    void this.#emit({ kind: 'problem', job: null, code: 'internal', message });
  }

  get #table(): JobTable {
    if (this.#jobs === null) throw new Error('The agent is not open yet.');
    return this.#jobs;
  }

  async #emit(whole: AgentEvent): Promise<void> {
    const event = withBoundedMessage(whole);
    // Only the end of a job is worth the wait for the disk: everything else a restart can tell again.
    const { written } = await this.journal.append(event, this.#time.now(), event.kind === 'job-ended');
    this.#listener?.session?.sendEvents();
    if (written) {
      this.#journalFails = false;
    } else if (!this.#journalFails) {
      this.#journalFails = true;
      const message =
        'The journal cannot be written, most likely because the disk is full. Events are kept in memory meanwhile.';
      await this.#emit({ kind: 'problem', job: null, code: 'disk-full', message });
    }
  }

  async #readArtifacts(id: JobId, offset: number): Promise<Answer<'artifacts.read'>> {
    const artifacts = this.#table.get(id).record.ended?.artifacts ?? null;
    if (artifacts === null) throw new RequestFailure('not-found', `The job ${id} has no artifacts here.`);
    const file = await open(artifactsPath(join(this.#options.dir, 'jobs', id)), 'r');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(BLOB_CHUNK), 0, BLOB_CHUNK, offset);
      return { result: { last: offset + bytesRead >= artifacts.bytes }, payload: buffer.subarray(0, bytesRead) };
    } finally {
      await file.close();
    }
  }

  #watch(): void {
    const { dir, clock, metricsMs, orphanAfterMs, resources } = this.#options;
    const vendor = vendorOf(resources);
    this.#stopWatching = watchSurroundings({
      dir,
      clock,
      metricsMs,
      orphanAfterMs,
      isAlone: () => this.#listener?.session === null && this.#table.all.every((job) => job.isEnded),
      onMetrics: async () => {
        const session = this.#listener?.session;
        if (session === null || session === undefined) return;
        const metrics = await measureJobs(this.#table.all, this.#time.now(), vendor);
        if (metrics.length > 0) session.sendMetrics(metrics);
      },
      onOrphaned: () => void this.shutdown('No server has called for too long, and no job runs.'),
      onDirectoryGone: () => {
        for (const job of this.#table.all) job.stop(NO_GRACE_MS);
        // What its jobs have elsewhere nobody else knows of any more.
        void this.shutdown('Its directory was removed.', () => this.#table.removeElsewhere());
      },
      onClockStepped: (stepMs) => {
        const message = `The clock of this machine was set back by ${Math.round(stepMs / 1000)} s. Times go on from the latest one; durations are not affected.`;
        void this.#emit({ kind: 'problem', job: null, code: 'clock-stepped', message });
      },
    });
  }
}

/** An event must fit into a frame, whatever a program's error output or a list of paths has made of its message. */
const MAX_MESSAGE = 8 * 1024;

function withBoundedMessage(event: AgentEvent): AgentEvent {
  if (!('message' in event) || event.message.length <= MAX_MESSAGE) return event;
  return { ...event, message: `${event.message.slice(0, MAX_MESSAGE)} …` };
}
