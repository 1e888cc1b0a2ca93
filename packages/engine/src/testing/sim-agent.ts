import type { BlobHash, ClusterInfo, JobAssignment, JobId } from '@berth/core';
import type { AgentConnector, AgentHandlers, AgentLink, AgentReport, EngineClock } from '../ports.ts';
import type { SimCloud } from './sim-cloud.ts';

type EndReport = Extract<AgentReport, { kind: 'job-ended' }>;

interface SimJob {
  readonly assignment: JobAssignment;
  state: 'preparing' | 'ready' | 'running' | 'ended';
  runs: number;
  cluster: ClusterInfo | null;
}

/** An agent as the engine sees one: it journals, repeats what was not acknowledged, and survives the server. */
export class SimAgent {
  readonly jobs = new Map<JobId, SimJob>();
  readonly blobs = new Set<BlobHash>();
  #journal: { seq: number; at: number; report: AgentReport }[] = [];
  #seq = 0;
  #handlers: AgentHandlers | null = null;
  #delivering = false;
  bootId = 'boot-1';
  readonly #clock: EngineClock;
  /** What a job does when it is started: null, it runs until it is ended by `end` or stopped. */
  readonly behave: (assignment: JobAssignment) => { afterMs: number; exitStatus: number } | null;

  constructor(clock: EngineClock, behave: SimAgent['behave']) {
    this.#clock = clock;
    this.behave = behave;
  }

  connect(handlers: AgentHandlers, resumeAfter: number): AgentLink {
    this.#journal = this.#journal.filter((entry) => entry.seq > resumeAfter);
    this.#handlers = handlers;
    queueMicrotask(() => void this.#deliver());
    const mine = handlers;
    const connected = (): void => {
      if (this.#handlers !== mine) throw new Error('the link is down');
    };
    return {
      hello: {
        bootId: this.bootId,
        docker: true,
        dockerProblem: null,
        resources: { cpus: 4, cpuArch: 'x86', memoryMiB: 16384, diskMiB: 102400, accelerators: [] },
        jobs: [...this.jobs].map(([job, { state }]) => ({ job, state, logBytes: 0 })),
      },
      submit: async (assignment) => {
        connected();
        if (this.jobs.has(assignment.job)) return;
        this.jobs.set(assignment.job, { assignment, state: 'preparing', runs: 0, cluster: null });
        this.#report({ kind: 'job-preparing', job: assignment.job, step: 'preparing', progress: null });
        this.#clock.after(5, () => {
          const job = this.jobs.get(assignment.job);
          if (job?.state !== 'preparing') return;
          job.state = 'ready';
          this.#report({ kind: 'job-ready', job: assignment.job });
        });
      },
      start: async (id, cluster) => {
        connected();
        const job = this.jobs.get(id);
        if (job?.state !== 'ready') return;
        job.state = 'running';
        job.runs += 1;
        job.cluster = cluster;
        this.#report({ kind: 'job-running', job: id });
        const behaviour = this.behave(job.assignment);
        if (behaviour !== null)
          this.#clock.after(behaviour.afterMs, () => this.end(id, { exitStatus: behaviour.exitStatus }));
      },
      stop: async (id) => {
        connected();
        this.end(id, { reason: 'stopped', exitStatus: null, signal: 'SIGTERM' });
      },
      remove: async (id) => {
        connected();
        this.jobs.delete(id);
      },
      missingBlobs: async (hashes) => hashes.filter((hash) => !this.blobs.has(hash)),
      sendBlob: async (hash) => void this.blobs.add(hash),
      fetchArtifacts: async () => {},
      logComplete: async () => {},
      close: () => {
        if (this.#handlers === mine) this.#handlers = null;
      },
    };
  }

  end(id: JobId, how: Partial<EndReport>): void {
    const job = this.jobs.get(id);
    if (job === undefined || job.state === 'ended') return;
    job.state = 'ended';
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
      artifacts: null,
      ...how,
    });
  }

  cut(reason = 'cut'): void {
    const handlers = this.#handlers;
    this.#handlers = null;
    handlers?.closed(reason);
  }

  #report(report: AgentReport): void {
    this.#seq += 1;
    this.#journal.push({ seq: this.#seq, at: this.#clock.now(), report });
    void this.#deliver();
  }

  async #deliver(): Promise<void> {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (;;) {
        const handlers = this.#handlers;
        const next = this.#journal[0];
        if (handlers === null || next === undefined) return;
        try {
          await handlers.report(next.seq, next.at, next.report);
          if (this.#journal[0] === next) this.#journal.shift();
        } catch {
          this.cut('the server could not store a report');
          return;
        }
      }
    } finally {
      this.#delivering = false;
    }
  }
}

/** Agents of a simulated cloud's machines: one per machine, there as long as the machine is. */
export class SimAgents implements AgentConnector {
  readonly agents = new Map<string, SimAgent>();
  readonly #clouds: readonly SimCloud[];
  readonly #clock: EngineClock;
  behave: SimAgent['behave'] = () => ({ afterMs: 1_000, exitStatus: 0 });
  /** Machines whose agent cannot be reached, by token. */
  readonly unreachable = new Set<string>();

  constructor(clock: EngineClock, clouds: readonly SimCloud[]) {
    this.#clock = clock;
    this.#clouds = clouds;
  }

  of(token: string): SimAgent {
    let agent = this.agents.get(token);
    if (agent === undefined) {
      agent = new SimAgent(this.#clock, (assignment) => this.behave(assignment));
      this.agents.set(token, agent);
    }
    return agent;
  }

  async connect(...[target, handlers]: Parameters<AgentConnector['connect']>): Promise<AgentLink> {
    const token = target.address.path;
    const alive = this.#clouds.some((cloud) => cloud.machines.get(token)?.alive === true);
    if (!alive || this.unreachable.has(token)) throw new Error('nobody answers');
    return this.of(token).connect(handlers, target.resumeAfter);
  }
}
