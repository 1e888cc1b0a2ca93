/**
 * What machines of a place share (facet `bootstrap`): made before the first of them, handed back with
 * every one, and taken away after the last, where the backend wants that. Nobody waits for the taking
 * away, least of all a machine; whoever needs it again in the meantime takes it back.
 */
import { asBackendError, BackendError, type SharedParts } from '@berth/backend';
import type { Millis, ProjectId } from '@berth/core';
import type { BootstrapRow, InstanceRow } from '@berth/store';
import type { Books, Tx } from './books.ts';
import { deadline } from './deadline.ts';
import { type Decision, NOTHING } from './decision.ts';
import type { EnginePorts, UsableBackend } from './ports.ts';
import { BOOTSTRAP_BACKOFF, BOOTSTRAP_DEADLINE_MS, backoff, isDue } from './timing.ts';

type Place = Pick<InstanceRow, 'projectId' | 'backend' | 'region'>;

export interface BootstrapEffect {
  readonly kind: 'remove-shared';
  readonly row: BootstrapRow;
}

export interface BootstrapSnapshot {
  readonly row: BootstrapRow;
  /** Machines of the place that are on the books and not known to be gone. */
  readonly users: number;
  /** Null: the backend cannot be used, or has no such facet any more. */
  readonly whenUnused: 'remove' | 'keep' | null;
}

export function decideBootstrap({ row, users, whenUnused }: BootstrapSnapshot, now: Millis): Decision<BootstrapEffect> {
  if (users > 0 || whenUnused !== 'remove') return NOTHING;
  if (row.status !== 'removing') {
    // While somebody who may have died asked for it, it may still come: removed before, it would stay behind.
    const landed =
      row.status === 'wanted' && !isDue(row.nextAttemptAt, now, BOOTSTRAP_DEADLINE_MS) ? row.nextAttemptAt : now;
    const patch = { status: 'removing', attempts: 0, nextAttemptAt: landed } as const;
    return { writes: [{ change: 'bootstraps', row, patch }], effects: [], wakeAt: null };
  }
  if (!isDue(row.nextAttemptAt, now, Math.max(BOOTSTRAP_BACKOFF.maxMs, BOOTSTRAP_DEADLINE_MS)))
    return { ...NOTHING, wakeAt: row.nextAttemptAt };
  return { writes: [], effects: [{ kind: 'remove-shared', row }], wakeAt: null };
}

export function idOfPlace({ projectId, backend, region }: Place): string {
  return `${projectId}/${backend}/${region}`;
}

/** @param id as `idOfPlace`; the region may hold slashes, project and backend do not */
export async function lookAtBootstrap(
  tx: Tx,
  id: string,
  backends: { get(project: ProjectId, name: string): UsableBackend | null },
  now: Millis,
): Promise<Decision<BootstrapEffect>> {
  const row = await tx.read.bootstraps.get(id);
  if (row === null) return NOTHING;
  const { projectId, backend, region } = row;
  const users = await tx.read.instances.count({ projectId, backend, region, status: { not: 'terminated' } });
  const whenUnused = backends.get(projectId, backend)?.compute.bootstrap?.whenUnused ?? null;
  return decideBootstrap({ row, users, whenUnused }, now);
}

export class Bootstraps {
  readonly #ports: EnginePorts;
  /** One at a time for each place: the last that was begun. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(ports: EnginePorts) {
    this.#ports = ports;
  }

  /** Null: the backend needs nothing of the kind. @throws BackendError nothing was asked for the machine itself */
  async ensure(books: Books, place: Place, backend: UsableBackend, signal: AbortSignal): Promise<SharedParts | null> {
    const facet = backend.compute.bootstrap;
    if (facet === undefined) return null;
    return this.#inTurn(idOfPlace(place), async () => {
      const wanted = await books.write(null, (tx) => want(tx, place, this.#now()));
      if (wanted.status === 'ready') return wanted.data;
      try {
        const data = await this.#limited(signal, (call) => facet.ensure(place.region, call));
        await books.write(null, (tx) => patchRow(tx, wanted.id, 'wanted', { status: 'ready', data, lastError: null }));
        return data;
      } catch (thrown) {
        const error = asBackendError(thrown);
        const lastError = { code: error.code, message: error.message };
        await books.write(null, (tx) => patchRow(tx, wanted.id, 'wanted', { lastError }));
        // It can simply be asked again (C26); nothing is unknown about the machine.
        const code = error.code === 'unknown' ? 'transient' : error.code;
        const { scope, retryAfterMs } = error;
        const after = retryAfterMs === null ? {} : { retryAfterMs };
        throw new BackendError(code, error.message, { scope, ...after, cause: error });
      }
    });
  }

  /** Of what nobody needs any more. Tried for ever: what is in use still is so for a while. */
  async remove(books: Books, row: BootstrapRow, backend: UsableBackend, signal: AbortSignal): Promise<void> {
    const facet = backend.compute.bootstrap;
    if (facet === undefined) return;
    await this.#inTurn(row.id, async () => {
      const begun = await books.write(null, (tx) => beginRemoval(tx, row.id, this.#now()));
      if (begun === null) return;
      try {
        await this.#limited(signal, async (call) => {
          // What it is was never heard: it is found once more, to be taken away.
          const known = Object.keys(begun.data).length > 0;
          const shared = known ? begun.data : await facet.ensure(row.region, call);
          await facet.remove(row.region, shared, call);
        });
      } catch (thrown) {
        const { code, message } = asBackendError(thrown);
        if (code !== 'not-found') {
          const nextAttemptAt = this.#now() + backoff(BOOTSTRAP_BACKOFF, begun.attempts);
          await books.write(null, (tx) =>
            patchRow(tx, row.id, 'removing', { lastError: { code, message }, nextAttemptAt }),
          );
          return;
        }
      }
      await books.write(null, async (tx) => {
        const fresh = await tx.read.bootstraps.get(row.id);
        if (fresh?.status === 'removing') await tx.forget('bootstraps', row.id);
        // Another server has taken it back while it went: it must be made again.
        else if (fresh !== null) await tx.change('bootstraps', fresh, { status: 'wanted', data: {} });
      });
    });
  }

  async #limited<T>(
    parent: AbortSignal,
    ask: (call: { readonly signal: AbortSignal; readonly log: EnginePorts['log'] }) => Promise<T>,
  ): Promise<T> {
    const limit = deadline(this.#ports.clock, BOOTSTRAP_DEADLINE_MS, parent);
    try {
      return await ask({ signal: limit.signal, log: this.#ports.log });
    } finally {
      limit.clear();
    }
  }

  async #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#turns.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.#turns.get(id) === mine) this.#turns.delete(id);
    }
  }

  #now(): Millis {
    return this.#ports.clock.now();
  }
}

/** On the books before it is asked for. */
async function want(tx: Tx, place: Place, now: Millis): Promise<BootstrapRow> {
  const id = idOfPlace(place);
  const row = await tx.read.bootstraps.get(id);
  if (row === null) {
    const { projectId, backend, region } = place;
    const nothing = { data: {}, attempts: 1, nextAttemptAt: landsBy(now), lastError: null, createdAt: now };
    return tx.add('bootstraps', { id, projectId, backend, region, status: 'wanted', ...nothing });
  }
  if (row.status === 'ready') return row;
  // What there was may have been removed without anybody hearing of it: only the answer says what there is.
  const attempts = row.attempts + 1;
  return tx.change('bootstraps', row, { status: 'wanted', data: {}, attempts, nextAttemptAt: landsBy(now) });
}

/** When what is asked for now has come or will not: no call outlives its deadline (C5). */
function landsBy(now: Millis): Millis {
  return now + BOOTSTRAP_DEADLINE_MS;
}

async function beginRemoval(tx: Tx, id: string, now: Millis): Promise<BootstrapRow | null> {
  const row = await tx.read.bootstraps.get(id);
  if (row?.status !== 'removing') return null;
  const attempts = row.attempts + 1;
  // Of unknown parts, it is asked for first: should this server die meanwhile, that may come late too.
  const known = Object.keys(row.data).length > 0;
  const nextAttemptAt = known ? now + backoff(BOOTSTRAP_BACKOFF, attempts) : landsBy(now);
  return tx.change('bootstraps', row, { attempts, nextAttemptAt });
}

async function patchRow(tx: Tx, id: string, only: BootstrapRow['status'], patch: Partial<BootstrapRow>): Promise<void> {
  const row = await tx.read.bootstraps.get(id);
  if (row?.status === only) await tx.change('bootstraps', row, patch);
}
