/**
 * Keeps one link to the agent of every instance that is up, and writes down when it is lost and found.
 * Where nothing else restarts a dead agent (facet `agent`), the backend is asked to.
 */
import type { AgentAddress } from '@berth/backend';
import type { InstanceId, Millis } from '@berth/core';
import { isInstanceReady } from '@berth/core';
import type { InstanceRow, JobRow } from '@berth/store';
import type { Books, Tx } from './books.ts';
import { messageOf } from './effects.ts';
import type { AgentHandlers, AgentLink, EnginePorts } from './ports.ts';
import { recordReport } from './reports.ts';
import {
  AGENT_FIRST_START_MS,
  AGENT_REQUEST_DEADLINE_MS,
  AGENT_RESTART_AFTER_MS,
  backoff,
  LINK_BACKOFF,
} from './timing.ts';

interface Entry {
  readonly instance: InstanceId;
  link: AgentLink | null;
  failures: number;
  readonly firstTriedAt: Millis;
  downSince: Millis;
  restartDueAt: Millis;
  restarts: number;
  cancelTimer: () => void;
  dropped: boolean;
}

export class Links {
  readonly #ports: EnginePorts;
  readonly #books: Books;
  /** Called when a link came up or went down: whoever waits for it must look again. */
  readonly #changed: (instance: InstanceId) => void;
  readonly #entries = new Map<InstanceId, Entry>();
  readonly #busy = new Set<Promise<void>>();
  #stopped = false;

  constructor(ports: EnginePorts, books: Books, changed: (instance: InstanceId) => void) {
    this.#ports = ports;
    this.#books = books;
    this.#changed = changed;
  }

  link(instance: InstanceId | null): AgentLink | null {
    return instance === null ? null : (this.#entries.get(instance)?.link ?? null);
  }

  /** Begins to link, unless that is so already. */
  ensure(instance: InstanceRow): void {
    if (this.#stopped || this.#entries.has(instance.id)) return;
    const now = this.#ports.clock.now();
    const entry: Entry = {
      instance: instance.id,
      link: null,
      failures: 0,
      firstTriedAt: now,
      downSince: now,
      restartDueAt: now + (instance.readyAt === null ? AGENT_FIRST_START_MS : AGENT_RESTART_AFTER_MS),
      restarts: 0,
      cancelTimer: () => {},
      dropped: false,
    };
    this.#entries.set(instance.id, entry);
    this.#track(this.#connect(entry));
  }

  drop(instance: InstanceId): void {
    const entry = this.#entries.get(instance);
    if (entry === undefined) return;
    entry.dropped = true;
    entry.cancelTimer();
    this.#entries.delete(instance);
    entry.link?.close();
    entry.link = null;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const id of [...this.#entries.keys()]) this.drop(id);
    await Promise.allSettled(this.#busy);
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error) => this.#ports.log.error('Linking failed unexpectedly', { error: messageOf(error) }))
      .finally(() => this.#busy.delete(tracked));
    this.#busy.add(tracked);
  }

  async #connect(entry: Entry): Promise<void> {
    let row: InstanceRow | null = null;
    try {
      row = await this.#books.store.read.instances.get(entry.instance);
      if (entry.dropped) return;
      const linkable = row?.status === 'provisioning' || (row !== null && isInstanceReady(row.status));
      if (row === null || !linkable || row.address === null) {
        this.drop(entry.instance);
        return;
      }
      const link = await this.#dial(entry, row);
      if (entry.dropped) {
        link.close();
        return;
      }
      entry.link = link;
      entry.failures = 0;
      entry.restarts = 0;
      const strangers = await this.#books.write(null, (tx) =>
        onLinked(tx, entry.instance, link, this.#ports.clock.now()),
      );
      for (const job of strangers) {
        const signal = AbortSignal.timeout(AGENT_REQUEST_DEADLINE_MS);
        link
          .remove(job, signal)
          .catch((error) =>
            this.#ports.log.warn('A finished job could not be removed', { job, error: messageOf(error) }),
          );
      }
      this.#changed(entry.instance);
    } catch (error) {
      if (entry.dropped) return;
      if (entry.link !== null) {
        // The books could not be written: without them the link is of no use.
        const link = entry.link;
        entry.link = null;
        link.close();
      }
      await this.#failed(entry, row, error);
    }
  }

  async #dial(entry: Entry, row: InstanceRow): Promise<AgentLink> {
    const jobs = await this.#books.store.read.jobs.find({
      where: { instanceId: row.id, status: { in: ['pulling', 'running', 'terminating'] } },
    });
    let mine: AgentLink | null = null;
    const handlers: AgentHandlers = {
      report: (seq, at, report) =>
        this.#books.write(null, async (tx) => {
          const fresh = await tx.read.instances.get(entry.instance);
          if (fresh !== null) await recordReport(tx, fresh, seq, at, report);
        }),
      closed: (reason) => {
        if (entry.dropped || (mine !== null && entry.link !== mine)) return;
        entry.link = null;
        const now = this.#ports.clock.now();
        entry.downSince = now;
        entry.restartDueAt = now + AGENT_RESTART_AFTER_MS;
        this.#ports.log.info('The link to an agent is down', { instance: entry.instance, reason });
        this.#changed(entry.instance);
        this.#track(this.#connect(entry));
      },
    };
    const target = {
      instance: row.id,
      // Written by `act-intent.ts` from what the backend returned.
      address: row.address as unknown as AgentAddress,
      secret: this.#ports.sealer.open(row.agentSecret),
      resumeAfter: row.agentEventSeq,
      jobs: jobs.map((job) => job.id),
    };
    mine = await this.#ports.agents.connect(target, handlers, AbortSignal.timeout(AGENT_REQUEST_DEADLINE_MS));
    return mine;
  }

  async #failed(entry: Entry, row: InstanceRow | null, error: unknown): Promise<void> {
    entry.failures += 1;
    if (entry.failures % 20 === 1 && entry.failures > 1) {
      this.#ports.log.warn('An agent does not answer', {
        instance: entry.instance,
        failures: entry.failures,
        error: messageOf(error),
      });
    }
    try {
      await this.#noteUnreachable(entry);
      if (row !== null) await this.#restartAgent(entry, row);
    } catch (restartError) {
      this.#ports.log.warn('An agent could not be started again', {
        instance: entry.instance,
        error: messageOf(restartError),
      });
    }
    if (entry.dropped || this.#stopped) return;
    entry.cancelTimer = this.#ports.clock.after(backoff(LINK_BACKOFF, entry.failures), () => {
      if (!entry.dropped) this.#track(this.#connect(entry));
    });
  }

  async #noteUnreachable(entry: Entry): Promise<void> {
    const row = await this.#books.store.read.instances.get(entry.instance);
    if (row === null || row.unreachableSince !== null || !isInstanceReady(row.status)) return;
    await this.#books.write(null, async (tx) => {
      const fresh = await tx.read.instances.get(entry.instance);
      if (fresh === null || fresh.unreachableSince !== null || !isInstanceReady(fresh.status)) return;
      await tx.change('instances', fresh, { unreachableSince: entry.downSince });
    });
  }

  async #restartAgent(entry: Entry, row: InstanceRow): Promise<void> {
    const now = this.#ports.clock.now();
    if (now < entry.restartDueAt || row.cloudId === null) return;
    const backend = this.#ports.backends.get(row.projectId, row.backend);
    if (backend?.compute.agent === undefined) return;
    entry.restarts += 1;
    entry.restartDueAt = now + backoff({ firstMs: 1_000, factor: 2, maxMs: 60_000 }, entry.restarts);
    const bootstrap = this.#ports.bootstrap(row.id, backend, this.#ports.sealer.open(row.agentSecret));
    const ref = { cloudId: row.cloudId, token: row.token, region: row.region, zone: row.zone };
    const call = { signal: AbortSignal.timeout(AGENT_REQUEST_DEADLINE_MS), log: this.#ports.log };
    await backend.compute.agent.start(ref, bootstrap, call);
  }
}

/** The agent has answered. Returns the jobs that it still holds although they are finished or not ours. */
async function onLinked(tx: Tx, id: InstanceId, link: AgentLink, now: Millis): Promise<readonly JobRow['id'][]> {
  const row = await tx.read.instances.get(id);
  if (row === null || row.status === 'terminating' || row.status === 'terminated') return [];
  const { hello } = link;
  const restarted = row.agentBootId !== null && row.agentBootId !== hello.bootId;
  const ready = row.status === 'provisioning';
  await tx.change('instances', row, {
    agentBootId: hello.bootId,
    unreachableSince: null,
    ...(ready
      ? {
          status: row.busyBlocks > 0 ? ('busy' as const) : ('idle' as const),
          readyAt: now,
          idleSince: row.busyBlocks > 0 ? null : now,
          message: null,
        }
      : {}),
  });
  if (restarted) {
    await tx.event({
      projectId: row.projectId,
      kind: 'agent.restarted',
      message: `The agent of instance ${row.name} was started again`,
      targetKind: 'instance',
      targetId: row.id,
      targetName: row.name,
      runId: null,
      details: {},
    });
  }
  const jobs = await tx.read.jobs.find({
    where: { instanceId: id, status: { in: ['pulling', 'running', 'terminating'] } },
  });
  const known = new Set(hello.jobs.map((job) => job.job));
  for (const job of jobs) {
    const told = job.agentState === 'ready' || job.agentState === 'running';
    if (!told || known.has(job.id)) continue;
    await tx.change('jobs', job, {
      status: 'terminating',
      agentState: 'ended',
      endReason: 'agent-lost',
      message: 'The agent no longer knows of this job.',
      finishedAt: now,
      cleanedAt: now,
      progress: null,
    });
  }
  const ours = new Set(jobs.map((job) => job.id));
  return hello.jobs.map((job) => job.job).filter((job) => !ours.has(job));
}
