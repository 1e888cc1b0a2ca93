/** An agent as the engine sees one: it journals, repeats what was not acknowledged, and outlives the server. */
import { BerthError, type BlobHash, type ClusterInfo, type JobAssignment, type JobId } from '@berth/core';
import type { AgentHandlers, AgentLink, AgentReport, EngineClock } from '../ports.ts';

type EndReport = Extract<AgentReport, { kind: 'job-ended' }>;

/** What a job does when it is started. */
export interface Behaviour {
  /** Null: it runs until it is stopped, or ended by `SimAgent.end`. */
  readonly afterMs: number | null;
  readonly exitStatus?: number;
  /** On a request to stop: ends at once (default), uses all of the grace, or does not care. */
  readonly whenStopped?: 'ends' | 'lingers' | 'ignores';
  readonly artifacts?: boolean;
  /** Preparing fails with this, instead of becoming ready. */
  readonly cannotPrepare?: 'image-error' | 'setup-error';
}

/** What goes wrong with the next request of a kind. */
export interface AgentFaults {
  /** `slow`: it arrives after ten seconds, unless it is aborted before; `deaf`: not even an abort is heard. */
  submit: ('hangs' | 'slow' | 'refuses' | 'deaf')[];
  /** `lost`: it says yes and does nothing; `cut`: the link breaks under the request, which never arrives. */
  start: ('lost' | 'cut')[];
  logComplete: ('hangs' | 'fails')[];
  fetchArtifacts: ('fails' | 'not-found')[];
}

export interface SimJob {
  readonly assignment: JobAssignment;
  state: 'preparing' | 'ready' | 'running' | 'ended';
  cluster: ClusterInfo | null;
}

interface Connection {
  readonly handlers: AgentHandlers;
  open: boolean;
}

/** What an agent needs to know of its world. */
export interface SimAgentWorld {
  /** How long a job takes to be prepared. */
  preparingMs(): number;
  behave(assignment: JobAssignment): Behaviour;
  onStart(job: JobId, cluster: ClusterInfo): void;
  onCall(request: string): void;
}

export class SimAgent {
  readonly jobs = new Map<JobId, SimJob>();
  readonly blobs = new Set<BlobHash>();
  readonly faults: AgentFaults = { submit: [], start: [], logComplete: [], fetchArtifacts: [] };
  /** Accepted, never started, and forgotten. */
  readonly unstarted = new Set<JobId>();
  bootId = 'boot-1';
  #boots = 1;
  #journal: { readonly seq: number; readonly at: number; readonly report: AgentReport }[] = [];
  #seq = 0;
  #connection: Connection | null = null;
  #dead = false;
  readonly #clock: EngineClock;
  readonly #world: SimAgentWorld;

  constructor(clock: EngineClock, world: SimAgentWorld) {
    this.#clock = clock;
    this.#world = world;
  }

  get linked(): boolean {
    return this.#connection !== null;
  }

  connect(handlers: AgentHandlers, resumeAfter: number): AgentLink {
    this.#journal = this.#journal.filter((entry) => entry.seq > resumeAfter);
    this.cut('another server is linked');
    const connection: Connection = { handlers, open: true };
    this.#connection = connection;
    queueMicrotask(() => void this.#deliver(connection));
    return this.#link(connection);
  }

  /** The job's process ends. */
  end(id: JobId, how: Partial<EndReport> = {}): void {
    const job = this.jobs.get(id);
    if (this.#dead || job === undefined || job.state === 'ended') return;
    const ran = job.state === 'running';
    job.state = 'ended';
    const hash = 'a'.repeat(64) as BlobHash;
    this.#report({
      kind: 'job-ended',
      job: id,
      reason: 'exited',
      message: '',
      exitStatus: 0,
      signal: null,
      startedAt: null,
      endedAt: this.#clock.now(),
      logBytes: 0,
      artifacts: ran && this.#world.behave(job.assignment).artifacts === true ? { bytes: 1, hash } : null,
      ...how,
    });
  }

  /** The link breaks, and the server notices. */
  cut(reason = 'cut'): void {
    const connection = this.#connection;
    this.hangUp();
    connection?.handlers.closed(reason);
  }

  /** The link breaks because nobody is there any more to notice. @param ifHeard only when these are the ears */
  hangUp(ifHeard: (handlers: AgentHandlers) => boolean = () => true): void {
    if (this.#connection !== null && !ifHeard(this.#connection.handlers)) return;
    if (this.#connection !== null) this.#connection.open = false;
    this.#connection = null;
  }

  /**
   * The agent is started again. Its jobs live on (containers), die with it (processes), are not even
   * remembered, or all but those that had not been started are.
   */
  restart(jobs: 'live' | 'die' | 'forgotten' | 'keeps-started'): void {
    if (this.#dead) return;
    this.#boots += 1;
    this.bootId = `boot-${this.#boots}`;
    this.cut('the agent was started again');
    if (jobs === 'forgotten') this.jobs.clear();
    if (jobs === 'keeps-started') {
      for (const [id, job] of this.jobs) {
        if (job.state !== 'preparing' && job.state !== 'ready') continue;
        this.jobs.delete(id);
        this.unstarted.add(id);
        this.#journal = this.#journal.filter(({ report }) => report.job !== id);
      }
    }
    if (jobs === 'die') {
      for (const id of this.jobs.keys()) this.end(id, { reason: 'agent-lost', exitStatus: null, message: 'lost' });
    }
  }

  /** Its machine is gone. */
  die(): void {
    this.#dead = true;
    this.cut('the machine is gone');
  }

  /** Says again what the server has acknowledged already. */
  repeat(seq: number, report: AgentReport): Promise<void> | undefined {
    return this.#connection?.handlers.report(seq, this.#clock.now(), report);
  }

  #link(connection: Connection): AgentLink {
    const connected = (request: string): void => {
      if (!connection.open) throw new Error('the link is down');
      this.#world.onCall(request);
    };
    return {
      hello: {
        bootId: this.bootId,
        docker: true,
        dockerProblem: null,
        resources: { cpus: 4, cpuArch: 'x86', memoryMiB: 16384, diskMiB: 102400, accelerators: [] },
        jobs: [...this.jobs].map(([job, { state }]) => ({ job, state, logBytes: 0 })),
        unstarted: [...this.unstarted],
      },
      submit: async (assignment, signal) => {
        connected('submit');
        const fault = this.faults.submit.shift();
        if (fault === 'hangs') await aborted(signal);
        if (fault === 'slow') {
          await Promise.race([aborted(signal), new Promise<void>((resolve) => this.#clock.after(10_000, resolve))]);
        }
        if (fault === 'deaf') await new Promise<never>(() => {});
        if (fault === 'refuses') throw new BerthError('invalid-request', 'the agent cannot run this');
        this.#accept(assignment);
      },
      start: async (id, cluster) => {
        connected('start');
        const fault = this.faults.start.shift();
        if (fault === undefined) this.#begin(id, cluster);
        if (fault !== 'cut') return;
        this.cut('the link broke');
        throw new Error('the link is down');
      },
      stop: async (id, graceMs) => {
        connected('stop');
        this.#stop(id, graceMs);
      },
      remove: async (id) => {
        connected('remove');
        const job = this.jobs.get(id);
        if (job !== undefined && job.state !== 'ended') throw new Error('it has not ended');
        this.jobs.delete(id);
      },
      missingBlobs: async (hashes) => {
        connected('missingBlobs');
        return hashes.filter((hash) => !this.blobs.has(hash));
      },
      sendBlob: async (hash) => {
        connected('sendBlob');
        this.blobs.add(hash);
      },
      fetchArtifacts: async (id) => {
        connected('fetchArtifacts');
        const fault = this.faults.fetchArtifacts.shift();
        if (fault === 'fails') throw new Error('the disk is full');
        if (fault === 'not-found' || !this.jobs.has(id)) throw new BerthError('not-found', 'no artifacts');
      },
      logComplete: async (_job, _bytes, signal) => {
        const fault = this.faults.logComplete.shift();
        if (fault === 'hangs') await aborted(signal);
        if (fault === 'fails') throw new Error('the log cannot be stored');
      },
      close: () => {
        if (this.#connection === connection) this.hangUp();
      },
    };
  }

  #accept(assignment: JobAssignment): void {
    const { job: id } = assignment;
    if (this.jobs.has(id)) return;
    this.unstarted.delete(id);
    this.jobs.set(id, { assignment, state: 'preparing', cluster: null });
    this.#report({ kind: 'job-preparing', job: id, step: 'preparing', progress: null });
    this.#clock.after(this.#world.preparingMs(), () => {
      const job = this.jobs.get(id);
      if (this.#dead || job?.state !== 'preparing') return;
      const { cannotPrepare } = this.#world.behave(assignment);
      if (cannotPrepare !== undefined) {
        this.end(id, { reason: cannotPrepare, exitStatus: null, message: 'it cannot be prepared' });
        return;
      }
      job.state = 'ready';
      this.#report({ kind: 'job-ready', job: id });
    });
  }

  #begin(id: JobId, cluster: ClusterInfo): void {
    const job = this.jobs.get(id);
    if (job?.state !== 'ready') return;
    job.state = 'running';
    job.cluster = cluster;
    this.#world.onStart(id, cluster);
    this.#report({ kind: 'job-running', job: id });
    const { afterMs, exitStatus = 0 } = this.#world.behave(job.assignment);
    if (afterMs !== null) this.#later(afterMs, job, { exitStatus });
  }

  #stop(id: JobId, graceMs: number): void {
    const job = this.jobs.get(id);
    if (job === undefined) return;
    const { whenStopped = 'ends' } = this.#world.behave(job.assignment);
    const ended = { reason: 'stopped', exitStatus: null, signal: 'SIGTERM' } as const;
    if (whenStopped === 'ends' || job.state !== 'running') this.end(id, ended);
    else if (whenStopped === 'lingers') this.#later(graceMs, job, { ...ended, signal: 'SIGKILL' });
  }

  /** It ends then, unless it was forgotten meanwhile: another one of the same id is another one. */
  #later(afterMs: number, job: SimJob, how: Partial<EndReport>): void {
    const id = job.assignment.job;
    this.#clock.after(afterMs, () => {
      if (this.jobs.get(id) === job) this.end(id, how);
    });
  }

  #report(report: AgentReport): void {
    this.#seq += 1;
    this.#journal.push({ seq: this.#seq, at: this.#clock.now(), report });
    if (this.#connection !== null) void this.#deliver(this.#connection);
  }

  readonly #delivering = new Set<Connection>();

  async #deliver(connection: Connection): Promise<void> {
    if (this.#delivering.has(connection)) return;
    this.#delivering.add(connection);
    try {
      while (connection.open) {
        const next = this.#journal[0];
        if (next === undefined) return;
        await connection.handlers.report(next.seq, next.at, next.report);
        if (this.#journal[0] === next) this.#journal.shift();
      }
    } catch {
      if (connection.open) this.cut('the server could not store a report');
    } finally {
      this.#delivering.delete(connection);
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new Error('aborted'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
