/** When each backend's list was compared with the books, and when that is due again. Kept by this server alone. */
import type { CloudInstance } from '@berth/backend';
import type { InstanceId, Millis, ProjectId } from '@berth/core';
import type { IntentRow, OrphanRow, ReadTables } from '@berth/store';
import type { Books } from './books.ts';
import { deadline } from './deadline.ts';
import { decideSweep, type SweepDecision, type SweepSnapshot, unlisted } from './decide-sweep.ts';
import { sooner } from './decision.ts';
import type { EnginePorts, UsableBackend } from './ports.ts';
import {
  EARLY_SWEEP_MS,
  EARLY_SWEEPS,
  FIRST_SWEEP_MS,
  LIST_LAG_MS,
  QUIET_SWEEP_MS,
  SWEEP_GAP_MS,
  SWEEP_MS,
  TERMINATE_DEADLINE_MS,
} from './timing.ts';
import { applyWrites } from './write.ts';

export interface SweepPlace {
  readonly project: ProjectId;
  readonly backend: string;
}

export function placeOf(id: string): SweepPlace {
  const slash = id.indexOf('/');
  // Made from a row's columns in `wake.ts`.
  return { project: id.slice(0, slash) as ProjectId, backend: id.slice(slash + 1) };
}

interface State {
  done: number;
  askedAt: Millis;
  dueAt: Millis;
  denials: ReadonlyMap<InstanceId, Millis>;
}

/** What one comparison came to. */
export interface Swept {
  readonly machines: readonly CloudInstance[];
  readonly decision: SweepDecision;
  readonly snapshot: SweepSnapshot;
}

type Read = Pick<ReadTables, 'instances' | 'intents' | 'orphans'>;

/** SQLite takes some 32,000 values in a statement. */
const CHUNK = 5_000;

export class Sweeps {
  readonly #ports: EnginePorts;
  readonly #states = new Map<string, State>();

  constructor(ports: EnginePorts) {
    this.#ports = ports;
  }

  dueAt(id: string): Millis {
    return this.#state(id).dueAt;
  }

  askedAt(id: string): Millis {
    return this.#state(id).askedAt;
  }

  /** As soon as may be: something has happened there. */
  hasten(id: string): Millis {
    const state = this.#state(id);
    state.dueAt = Math.min(state.dueAt, Math.max(this.#now(), state.askedAt + SWEEP_GAP_MS));
    return state.dueAt;
  }

  /** Times that lie in the future now are from before. */
  clockSetBack(): void {
    const now = this.#now();
    for (const state of this.#states.values()) {
      state.askedAt = Math.min(state.askedAt, now);
      state.dueAt = Math.min(state.dueAt, now + EARLY_SWEEP_MS);
    }
  }

  /** Asks the cloud and writes what follows. Throws what the cloud's list throws. */
  async sweep(books: Books, backend: UsableBackend, id: string, signal: AbortSignal): Promise<Swept> {
    const { store, random, log } = this.#ports;
    const place = placeOf(id);
    const state = this.#state(id);
    state.askedAt = this.#now();
    // Also when it fails: the back-off says when it is tried again.
    state.dueAt = this.#now() + EARLY_SWEEP_MS;
    const asked = await this.#ask(backend, signal);
    let swept = await this.#compare(store.read, place, backend, asked, state.denials);
    if (swept.decision.writes.length > 0) {
      // What was read outside may be old by now; what is written is decided in the same transaction.
      swept = await books.write(null, async (tx) => {
        const again = await this.#compare(tx.read, place, backend, asked, state.denials);
        await applyWrites(tx, again.decision.writes, { now: () => this.#now(), random });
        return again;
      });
    }
    const { decision, snapshot } = swept;
    state.denials = decision.denials;
    state.done += 1;
    const isQuiet = snapshot.rows.length === 0 && snapshot.orphans.every(({ status }) => status === 'gone');
    const pause = state.done < EARLY_SWEEPS ? EARLY_SWEEP_MS : isQuiet ? QUIET_SWEEP_MS : SWEEP_MS;
    state.dueAt = sooner(this.#now() + pause, decision.wakeAt) ?? 0;
    if (decision.writes.length > 0) log.info('A sweep found something', { ...place, ...countsOf(swept) });
    return swept;
  }

  /** As `sweep`, and nothing is written. */
  async look(backend: UsableBackend, id: string, signal: AbortSignal): Promise<Swept> {
    const asked = await this.#ask(backend, signal);
    return this.#compare(this.#ports.store.read, placeOf(id), backend, asked, this.#state(id).denials);
  }

  async #ask(
    backend: UsableBackend,
    signal: AbortSignal,
  ): Promise<{ readonly at: Millis; readonly machines: readonly CloudInstance[] }> {
    const at = this.#now();
    const limit = deadline(this.#ports.clock, TERMINATE_DEADLINE_MS, signal);
    try {
      return { at, machines: await backend.compute.list({ signal: limit.signal, log: this.#ports.log }) };
    } finally {
      limit.clear();
    }
  }

  async #compare(
    read: Read,
    { project, backend: name }: SweepPlace,
    backend: UsableBackend,
    asked: { readonly at: Millis; readonly machines: readonly CloudInstance[] },
    denials: ReadonlyMap<InstanceId, Millis>,
  ): Promise<Swept> {
    const { machines } = asked;
    const own = await read.instances.find({
      where: { projectId: project, backend: name, status: { not: 'terminated' } },
    });
    const byToken = new Map(own.map((row) => [row.token, row]));
    const strange = machines.filter(({ token, cloudId, state }) => {
      const row = token === null ? undefined : byToken.get(token);
      return state !== 'terminated' && (row === undefined || (row.cloudId !== null && row.cloudId !== cloudId));
    });
    const unknown = strange.flatMap(({ token }) => (token === null || byToken.has(token) ? [] : [token]));
    const others = await inChunks(unknown, (chunk) => read.instances.find({ where: { token: { in: chunk } } }));
    const rows = [...own, ...others];
    const unsure = [
      ...others,
      ...unlisted(machines, own),
      ...own.filter(({ cloudId, status }) => cloudId === null && status !== 'pending'),
      ...strange.flatMap(({ token }) => byToken.get(token ?? '') ?? []),
    ];
    const creates: readonly IntentRow[] = await inChunks([...new Set(unsure.map((row) => row.id))], (chunk) =>
      read.intents.find({ where: { instanceId: { in: chunk }, kind: 'instance.create' } }),
    );
    const snapshot: SweepSnapshot = {
      project,
      backend: name,
      askedAt: asked.at,
      lagMs: backend.listLagMs ?? LIST_LAG_MS,
      machines,
      rows,
      creates,
      orphans: await orphansOf(read, project, name, strange),
      denials,
    };
    return { machines, snapshot, decision: decideSweep(snapshot, this.#now()) };
  }

  #state(id: string): State {
    let state = this.#states.get(id);
    if (state === undefined) {
      state = { done: 0, askedAt: 0, dueAt: this.#now() + FIRST_SWEEP_MS, denials: new Map() };
      this.#states.set(id, state);
    }
    return state;
  }

  #now(): Millis {
    return this.#ports.clock.now();
  }
}

async function orphansOf(
  read: Read,
  project: ProjectId,
  backend: string,
  strange: readonly CloudInstance[],
): Promise<readonly OrphanRow[]> {
  const open = await read.orphans.find({
    where: { projectId: project, backend, status: { in: ['watched', 'reported', 'terminating'] } },
  });
  const known = new Set(open.map(({ cloudId }) => cloudId));
  const others = await inChunks(
    strange.map(({ cloudId }) => cloudId).filter((cloudId) => !known.has(cloudId)),
    (chunk) => read.orphans.find({ where: { projectId: project, backend, cloudId: { in: chunk } } }),
  );
  return [...open, ...others];
}

async function inChunks<K, R>(
  keys: readonly K[],
  find: (chunk: readonly K[]) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  const found: R[] = [];
  for (let i = 0; i < keys.length; i += CHUNK) found.push(...(await find(keys.slice(i, i + CHUNK))));
  return found;
}

export function countsOf({ machines, decision }: Swept): Readonly<Record<string, number>> {
  const orphans = decision.writes.filter((w) => ('add' in w ? w.add : 'change' in w ? w.change : '') === 'orphans');
  return {
    machines: machines.length,
    orphans: orphans.length,
    gone: decision.gone.length,
    adopted: decision.adopted.length,
  };
}
