import { basename } from 'node:path';
import {
  BackendError,
  type BackendRegistry,
  type Compute,
  type ConfiguredBackend,
  type Logger,
  type UnavailableBackend,
} from '@berth/backend';
import type { BackendView } from '@berth/core/api-schemas';
import type { UsableBackend } from '@berth/engine';
import type { BackendRow } from '@berth/store';
import type { EntryPlace } from '../config/server-config.ts';
import type { Entry } from './records.ts';

/** What a view says besides how many machines there are, which changes by the minute. */
export type SlotView = Omit<BackendView, 'holds'>;

/** The place of one backend of a project, wanted or kept for what it holds. */
export interface Slot {
  /** Null: its credentials cannot be opened. */
  readonly entry: Entry | null;
  readonly row: BackendRow;
  /** Where config.yml names it; null: it does not. */
  readonly place: EntryPlace | null;
  /** Null while it was never ready. One that is not wanted any more is kept for what it still holds. */
  backend: UsableBackend | null;
  view: SlotView;
  /** May take new work. */
  usable: boolean;
  /** Why the cloud, which took these credentials before, refuses them now. */
  lost: string | null;
}

export const REMOVED = 'It was removed and is kept until its machines are gone.';

export function newSlot(
  row: BackendRow,
  entry: Entry | null,
  place: EntryPlace | null,
  source: BackendView['source'],
  registry: Pick<BackendRegistry, 'definition'>,
): Slot {
  const definition = registry.definition(row.type);
  const isRemoved = row.deletedAt !== null;
  return {
    entry,
    row,
    place,
    backend: null,
    usable: false,
    lost: null,
    view: {
      name: row.name,
      type: row.type,
      title: definition?.title ?? row.type,
      kind: definition?.kind ?? null,
      status: isRemoved ? 'removed' : 'unavailable',
      reason: isRemoved ? REMOVED : 'It is being configured.',
      account: null,
      facets: [],
      source,
    },
  };
}

/**
 * The cloud has answered: the slot can be used, unless it is kept only for its machines.
 * @param onRefused called when a later call finds that the credentials are not good any more
 */
export function fill(slot: Slot, ready: ConfiguredBackend, log: Logger, onRefused: () => void): void {
  const wanted = slot.row.deletedAt === null;
  slot.backend = usableBackend({ ...ready, compute: watched(ready.compute, onRefused) }, log);
  slot.lost = null;
  slot.usable = wanted;
  slot.view = {
    name: ready.name,
    type: ready.type,
    title: ready.title,
    kind: ready.kind,
    status: wanted ? 'ready' : 'removed',
    reason: wanted ? null : REMOVED,
    account: ready.account,
    facets: [...ready.facets],
    source: slot.view.source,
  };
}

/** What a slot says once it is kept only for its machines. */
export function removedReason({ backend, view }: Slot): string {
  return backend === null ? `${REMOVED} They cannot be reached: ${view.reason ?? 'it was never ready'}` : REMOVED;
}

/** A package that says that it is a backend, and cannot be used by anybody. */
export function brokenView({ dir, reason }: UnavailableBackend): BackendView {
  const name = basename(dir);
  return {
    ...{ name, type: name, title: name, kind: null, status: 'unavailable', reason, account: null },
    ...{ facets: [], source: null, holds: 0 },
  };
}

/** Machines by the name of a backend of which nothing else is known any more. */
export function forgottenView(name: string, holds: number): BackendView {
  const reason = 'Nothing is known of it any more but that these machines were made by it.';
  return {
    ...{ name, type: '', title: name, kind: null, status: 'removed', reason, account: null },
    ...{ facets: [], source: null, holds },
  };
}

/** Tells of every refusal of the credentials by the calls that every machine needs. */
function watched(compute: Compute, onRefused: () => void): Compute {
  const telling =
    <Args extends readonly unknown[], T>(call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      try {
        return await call(...args);
      } catch (error) {
        if (error instanceof BackendError && error.code === 'auth') onRefused();
        throw error;
      }
    };
  return {
    ...compute,
    create: telling((request, call) => compute.create(request, call)),
    list: telling((call) => compute.list(call)),
    terminate: telling((ref, call) => compute.terminate(ref, call)),
  };
}

function usableBackend(configured: ConfiguredBackend, log: Logger): UsableBackend {
  return {
    name: configured.name,
    type: configured.type,
    facets: configured.facets,
    provisioningTimeoutMs: configured.limits.provisioningTimeoutMs,
    ...(configured.limits.listLagMs === undefined ? {} : { listLagMs: configured.limits.listLagMs }),
    kind: configured.kind,
    agentStart: configured.agentStart,
    compute: configured.compute,
    offers: (requirements, signal) => configured.offers(requirements, { signal, log }),
    forgetOffers: () => configured.forgetOffers(),
  };
}
