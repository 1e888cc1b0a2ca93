/**
 * Keeps one link to the agent of every instance that is up, and writes down when it is lost and found.
 * Where nothing else restarts a dead agent (facet `agent`), the backend is asked to.
 */
import type { AgentAddress } from '@berth/backend';
import type { InstanceId, JobId, Millis } from '@berth/core';
import { isInstanceReady } from '@berth/core';
import type { InstanceRow } from '@berth/store';
import type { Books } from './books.ts';
import { deadline, pause } from './deadline.ts';
import { messageOf } from './effects.ts';
import { recordHello } from './hello.ts';
import { type Lane, laneOf } from './lanes.ts';
import type { AgentHandlers, AgentLink, EnginePorts } from './ports.ts';
import { recordReport } from './reports.ts';
import {
  AGENT_FIRST_START_MS,
  AGENT_REQUEST_DEADLINE_MS,
  AGENT_RESTART_AFTER_MS,
  AGENT_RESTART_BACKOFF,
  AGENT_TIDY_DEADLINE_MS,
  backoff,
  FIRST_LINK_BACKOFF,
  FIRST_LINK_GAP_MS,
  isDue,
  LINK_BACKOFF,
  LINK_DEADLINE_MS,
  LINK_STABLE_MS,
} from './timing.ts';

interface Entry {
  readonly instance: InstanceId;
  readonly lane: Lane;
  /** Those of its lane: nothing is written of a link that is another server's by now. */
  readonly books: Books;
  /** Resolves when nothing is left of it. */
  kept: Promise<void>;
  /** Fires when nobody needs the link any more. */
  readonly dropping: AbortController;
  up: { readonly link: AgentLink; readonly since: Millis } | null;
  /** Tries in a row that led to no lasting link. */
  failures: number;
  downSince: Millis;
  restartDueAt: Millis;
  restarts: number;
}

/** A link that is up. */
interface Opened {
  readonly link: AgentLink;
  /** Resolves with the reason when it is gone. */
  readonly gone: Promise<string>;
}

export class Links {
  readonly #ports: EnginePorts;
  readonly #books: Books;
  /** Called when a link came up or went down: whoever waits for it must look again. */
  readonly #changed: (instance: InstanceId) => void;
  readonly #entries = new Map<InstanceId, Entry>();
  /** Those whose agent has never answered: it is starting, with its machine. */
  readonly #starting = new Set<Entry>();
  readonly #busy = new Set<Promise<void>>();
  #stopped = false;

  constructor(ports: EnginePorts, books: Books, changed: (instance: InstanceId) => void) {
    this.#ports = ports;
    this.#books = books;
    this.#changed = changed;
  }

  get size(): number {
    return this.#entries.size;
  }

  link(instance: InstanceId | null): AgentLink | null {
    return instance === null ? null : (this.#entries.get(instance)?.up?.link ?? null);
  }

  /** Since when the link is up; null: it is not. */
  linkedSince(instance: InstanceId | null): Millis | null {
    return instance === null ? null : (this.#entries.get(instance)?.up?.since ?? null);
  }

  /** Begins to link, unless that is so already. */
  ensure(instance: InstanceRow): void {
    if (this.#stopped || this.#entries.has(instance.id)) return;
    const now = this.#ports.clock.now();
    const lane = laneOf(instance.id);
    const entry: Entry = {
      instance: instance.id,
      lane,
      books: this.#books.in(lane),
      kept: Promise.resolve(),
      dropping: new AbortController(),
      up: null,
      failures: 0,
      downSince: now,
      restartDueAt: now + (instance.readyAt === null ? AGENT_FIRST_START_MS : AGENT_RESTART_AFTER_MS),
      restarts: 0,
    };
    this.#entries.set(instance.id, entry);
    if (instance.readyAt === null) this.#starting.add(entry);
    const kept = this.#keep(entry)
      .catch((error) => this.#ports.log.error('Linking failed unexpectedly', { error: messageOf(error) }))
      .finally(() => {
        this.#busy.delete(kept);
        this.drop(entry.instance, entry);
      });
    entry.kept = kept;
    this.#busy.add(kept);
  }

  /** @param only drop it only if it is this one still */
  drop(instance: InstanceId, only?: Entry): void {
    const entry = this.#entries.get(instance);
    if (entry === undefined || (only !== undefined && entry !== only)) return;
    this.#entries.delete(instance);
    this.#starting.delete(entry);
    const link = entry.up?.link;
    entry.up = null;
    entry.dropping.abort(new Error('The link is no longer needed.'));
    link?.close();
  }

  /** Drops those of these lanes; resolves when nothing is left of them. */
  async dropLanes(lanes: ReadonlySet<Lane>): Promise<void> {
    const entries = [...this.#entries.values()].filter(({ lane }) => lanes.has(lane));
    for (const entry of entries) this.drop(entry.instance, entry);
    await Promise.allSettled(entries.map(({ kept }) => kept));
  }

  /** Times that lie in the future now are from before. */
  clockSetBack(now: Millis): void {
    for (const entry of this.#entries.values()) {
      entry.downSince = Math.min(entry.downSince, now);
      if (entry.up !== null) entry.up = { ...entry.up, since: Math.min(entry.up.since, now) };
    }
  }

  /** Resolves when nothing is left of any link. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const id of [...this.#entries.keys()]) this.drop(id);
    await Promise.allSettled(this.#busy);
  }

  /** Links, stays linked as long as it lasts, and links again, until the entry is dropped. */
  async #keep(entry: Entry): Promise<void> {
    const { signal } = entry.dropping;
    const { clock, log } = this.#ports;
    while (!signal.aborted) {
      try {
        const opened = await this.#open(entry);
        if (opened === null) return;
        if (signal.aborted) {
          opened.link.close();
          return;
        }
        entry.up = { link: opened.link, since: clock.now() };
        this.#starting.delete(entry);
        this.#changed(entry.instance);
        const reason = await until(opened.gone, signal);
        if (signal.aborted) return;
        this.#wentDown(entry);
        log.info('The link to an agent is down', { instance: entry.instance, reason });
        this.#changed(entry.instance);
      } catch (error) {
        if (signal.aborted) return;
        await this.#failed(entry, error);
      }
      if (entry.failures > 0) await pause(clock, this.#patience(entry), signal);
    }
  }

  #patience(entry: Entry): number {
    if (!this.#starting.has(entry)) return backoff(LINK_BACKOFF, entry.failures);
    const maxMs = Math.max(FIRST_LINK_BACKOFF.maxMs, this.#starting.size * FIRST_LINK_GAP_MS);
    return backoff({ ...FIRST_LINK_BACKOFF, maxMs }, entry.failures);
  }

  #wentDown(entry: Entry): void {
    const now = this.#ports.clock.now();
    // A link that breaks as soon as it is up (a report cannot be stored) must not be tried in a tight loop.
    const lasted = now - (entry.up?.since ?? now);
    entry.failures = lasted >= LINK_STABLE_MS ? 0 : entry.failures + 1;
    entry.up = null;
    entry.downSince = now;
    entry.restartDueAt = now + AGENT_RESTART_AFTER_MS;
    entry.restarts = 0;
  }

  /** Null: the instance is no longer one to link to. Throws when there is no link to be had now. */
  async #open(entry: Entry): Promise<Opened | null> {
    const { signal } = entry.dropping;
    const row = await this.#books.store.read.instances.get(entry.instance);
    const linkable = row?.status === 'provisioning' || (row !== null && isInstanceReady(row.status));
    if (signal.aborted || row === null || !linkable) return null;
    if (row.address === null) throw new Error('Its address is not known.');
    // An agent has one server: whoever lost the lane unawares must not take its link from the next.
    await entry.books.assertOurs();
    const gone = Promise.withResolvers<string>();
    const handlers: AgentHandlers = {
      report: async (seq, at, report) => {
        const stray = await entry.books.write(null, async (tx) => {
          const fresh = await tx.read.instances.get(entry.instance);
          return fresh === null ? null : recordReport(tx, fresh, { seq, at, now: this.#ports.clock.now() }, report);
        });
        if (stray !== null && entry.up !== null) void this.#tidy(entry.up.link, stray);
      },
      closed: (reason) => gone.resolve(reason),
    };
    const link = await this.#dial(row, row.address, handlers, signal);
    if (signal.aborted) {
      link.close();
      return null;
    }
    try {
      // Before anybody sees the link: what the agent holds is compared with what the books say now.
      const strangers = await entry.books.write(null, (tx) =>
        recordHello(tx, entry.instance, link.hello, this.#ports.clock.now()),
      );
      for (const job of strangers) void this.#tidy(link, job);
    } catch (error) {
      link.close();
      throw error;
    }
    return { link, gone: gone.promise };
  }

  async #dial(
    row: InstanceRow,
    address: NonNullable<InstanceRow['address']>,
    handlers: AgentHandlers,
    signal: AbortSignal,
  ): Promise<AgentLink> {
    const jobs = await this.#books.store.read.jobs.find({
      where: { instanceId: row.id, status: { in: ['pulling', 'running', 'terminating'] } },
    });
    // Written by `act-intent.ts` from what the backend returned.
    const to = address as unknown as AgentAddress;
    const target = {
      instance: row.id,
      address: to,
      secret: this.#ports.sealer.open(row.agentSecret),
      resumeAfter: row.agentEventSeq,
      jobs: jobs.map((job) => job.id),
    };
    // Here an agent answers at once or not at all; elsewhere it may have to be brought to the machine first.
    const limitMs = to.kind === 'unix' ? AGENT_REQUEST_DEADLINE_MS : LINK_DEADLINE_MS;
    const limit = deadline(this.#ports.clock, limitMs, signal);
    try {
      return await this.#ports.agents.connect(target, handlers, limit.signal);
    } finally {
      limit.clear();
    }
  }

  /** A job that the agent still holds although nobody here does. Missed, it is seen again at the next link. */
  async #tidy(link: AgentLink, job: JobId): Promise<void> {
    const limit = deadline(this.#ports.clock, AGENT_TIDY_DEADLINE_MS);
    try {
      await link.stop(job, 0, limit.signal);
      await link.remove(job, limit.signal);
    } catch (error) {
      this.#ports.log.warn('A job that is finished could not be removed', { job, error: messageOf(error) });
    } finally {
      limit.clear();
    }
  }

  async #failed(entry: Entry, error: unknown): Promise<void> {
    entry.failures += 1;
    if (entry.failures % (this.#starting.has(entry) ? 400 : 20) === 0) {
      this.#ports.log.warn('An agent does not answer', {
        instance: entry.instance,
        failures: entry.failures,
        error: messageOf(error),
      });
    }
    try {
      const row = await this.#noteUnreachable(entry);
      if (row !== null) await this.#restartAgent(entry, row);
    } catch (restartError) {
      this.#ports.log.warn('An agent could not be started again', {
        instance: entry.instance,
        error: messageOf(restartError),
      });
    }
  }

  async #noteUnreachable(entry: Entry): Promise<InstanceRow | null> {
    const row = await this.#books.store.read.instances.get(entry.instance);
    if (row === null || row.unreachableSince !== null || !isInstanceReady(row.status)) return row;
    return entry.books.write(null, async (tx) => {
      const fresh = await tx.read.instances.get(entry.instance);
      if (fresh === null || fresh.unreachableSince !== null || !isInstanceReady(fresh.status)) return fresh;
      return tx.change('instances', fresh, { unreachableSince: entry.downSince });
    });
  }

  async #restartAgent(entry: Entry, row: InstanceRow): Promise<void> {
    const { clock, backends, sealer, agentStart, log } = this.#ports;
    const now = clock.now();
    if (!isDue(entry.restartDueAt, now, AGENT_RESTART_BACKOFF.maxMs) || row.cloudId === null) return;
    const backend = backends.get(row.projectId, row.backend);
    if (backend?.compute.agent === undefined) return;
    entry.restarts += 1;
    entry.restartDueAt = now + backoff(AGENT_RESTART_BACKOFF, entry.restarts);
    const ref = { cloudId: row.cloudId, token: row.token, region: row.region, zone: row.zone };
    const limit = deadline(clock, AGENT_REQUEST_DEADLINE_MS, entry.dropping.signal);
    try {
      const start = agentStart(row.id, backend, sealer.open(row.agentSecret));
      await backend.compute.agent.start(ref, start, { signal: limit.signal, log });
    } finally {
      limit.clear();
    }
  }
}

/** Resolves with the promise, or when the signal fires. Leaves nothing behind at a signal that lives for months. */
function until(gone: Promise<string>, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const stop = (): void => resolve('dropped');
    signal.addEventListener('abort', stop, { once: true });
    void gone.then((reason) => {
      signal.removeEventListener('abort', stop);
      resolve(reason);
    });
  });
}
