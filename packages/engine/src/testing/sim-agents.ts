import type { ClusterInfo, JobAssignment, JobId } from '@berth/core';
import type { AgentConnector, AgentLink, EngineClock } from '../ports.ts';
import { type Behaviour, SimAgent, type SimJob } from './sim-agent.ts';
import type { SimCloud } from './sim-cloud.ts';

/** Agents of simulated machines: one per machine, there as long as the machine is. */
export class SimAgents implements AgentConnector {
  maxAssignmentBytes = 1024 * 1024;
  readonly all = new Map<string, SimAgent>();
  behave: (assignment: JobAssignment) => Behaviour = () => ({ afterMs: 1_000 });
  preparingMs = 5;
  /** Requests that reached an agent. */
  readonly calls: string[] = [];
  /** Called with every new agent, before anybody links to it. */
  onNew: (agent: SimAgent) => void = () => {};
  /** Machines whose agent cannot be reached, by token. */
  readonly unreachable = new Set<string>();
  /** From the start, what each job was told of its peers; more than one entry: it was started twice. */
  readonly started = new Map<JobId, ClusterInfo[]>();
  readonly #clouds: readonly SimCloud[];
  readonly #clock: EngineClock;

  constructor(clock: EngineClock, clouds: readonly SimCloud[]) {
    this.#clock = clock;
    this.#clouds = clouds;
    for (const cloud of clouds) cloud.onGone = (token) => this.all.get(token)?.die();
  }

  of(token: string): SimAgent {
    let agent = this.all.get(token);
    if (agent === undefined) {
      agent = new SimAgent(this.#clock, {
        preparingMs: () => this.preparingMs,
        behave: (assignment) => this.behave(assignment),
        onStart: (job, cluster) => this.started.set(job, [...(this.started.get(job) ?? []), cluster]),
        onCall: (request) => this.calls.push(request),
      });
      this.onNew(agent);
      this.all.set(token, agent);
    }
    return agent;
  }

  count(request: string): number {
    return this.calls.filter((name) => name === request).length;
  }

  /** The agent that has this job. */
  with(job: JobId): { readonly agent: SimAgent; readonly job: SimJob } {
    for (const agent of this.all.values()) {
      const found = agent.jobs.get(job);
      if (found !== undefined) return { agent, job: found };
    }
    throw new Error(`No agent has job ${job}.`);
  }

  async connect(...[target, handlers]: Parameters<AgentConnector['connect']>): Promise<AgentLink> {
    if (target.address.kind !== 'unix') throw new Error('Simulated agents have paths.');
    const token = target.address.path;
    const alive = this.#clouds.some((cloud) => cloud.isAlive(token));
    if (!alive || this.unreachable.has(token)) throw new Error('nobody answers');
    return this.of(token).connect(handlers, target.resumeAfter);
  }
}
