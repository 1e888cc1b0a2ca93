/** A store that is told which writes fail, and that notices when something is changed that never may be. */
import {
  type InstanceStatus,
  isInstanceAlive,
  isJobFinished,
  isRunFinished,
  type JobStatus,
  type RunStatus,
} from '@berth/core';
import { type Store, StoreUnavailable, type TableName } from '@berth/store';
import { settle } from './sim-clock.ts';
import { isWrite, tapTables } from './tap.ts';

/** What a finished thing keeps for ever. */
const FROZEN: Partial<Record<TableName, readonly string[]>> = {
  runs: ['status', 'endReason', 'message', 'live', 'submission', 'startedAt', 'finishedAt'],
  jobs: [
    'status',
    'endReason',
    'message',
    'exitStatus',
    'signal',
    'startedAt',
    'finishedAt',
    'instanceId',
    'pricePerHour',
    'heldFrom',
    'heldUntil',
  ],
  instances: ['status', 'endReason', 'message', 'terminatedAt', 'busyBlocks', 'cloudId'],
};

/** A row of any table: fields by name. */
type AnyRow = Readonly<Record<string, unknown> & { id: string; status?: unknown }>;

export class WatchedStore implements Store {
  readonly #inner: Store;
  readonly #elapsed: () => number;
  readonly read: Store['read'];
  /** Transactions that wrote, from 1; those for which this is true fail as on a full disk. */
  failing: (write: number) => boolean = () => false;
  writes = 0;
  #underWay = 0;
  /** When an instance was let go, by its token and the steady clock; the first time. */
  readonly letGoAt = new Map<string, number>();
  /** What was done and never may be. */
  readonly violations: string[] = [];

  /** @param elapsed a clock that nobody sets, in ms */
  constructor(inner: Store, elapsed: () => number = () => 0) {
    this.#inner = inner;
    this.#elapsed = elapsed;
    this.read = tapTables(inner.read, (_, proceed) => this.#counted(proceed));
  }

  /** Resolves when nothing is asked of it, nor by those whom it has answered. */
  async quiet(): Promise<void> {
    while (this.#underWay > 0) await settle();
  }

  get isQuiet(): boolean {
    return this.#underWay === 0;
  }

  transaction: Store['transaction'] = (work) => this.#counted(() => this.#watched(work));

  async #counted<T>(ask: () => Promise<T>): Promise<T> {
    this.#underWay += 1;
    try {
      return await ask();
    } finally {
      this.#underWay -= 1;
    }
  }

  readonly #watched: Store['transaction'] = (work) =>
    this.#inner.transaction(async (tables, commit) => {
      let wrote = false;
      const letGo: string[] = [];
      const tapped = tapTables(tables, async (call, proceed) => {
        wrote ||= isWrite(call);
        if (call.method === 'update' && call.table in FROZEN) {
          const [id, , patch] = call.args as [string, number, Readonly<Record<string, unknown>>];
          // Read as what it is asked for below: fields by name.
          const before = (await tables[call.table].get(id)) as unknown as AnyRow | null;
          if (before !== null) this.#compare(call.table, before, patch);
          if (call.table === 'instances' && patch.status === 'terminating') letGo.push(String(before?.token));
        }
        return proceed();
      });
      const result = await work(tapped, commit);
      if (wrote && this.failing(++this.writes)) throw new StoreUnavailable('disk-full', 'the disk is full');
      for (const token of letGo) if (!this.letGoAt.has(token)) this.letGoAt.set(token, this.#elapsed());
      return result;
    });

  onCommit: Store['onCommit'] = (listener) => this.#inner.onCommit(listener);

  onAnnouncement: Store['onAnnouncement'] = (...listeners) => this.#inner.onAnnouncement(...listeners);
  announce: Store['announce'] = (message) => this.#inner.announce(message);

  close(): Promise<void> {
    return this.#inner.close();
  }

  #compare(table: TableName, before: AnyRow, patch: Readonly<Record<string, unknown>>): void {
    for (const field of isFinished(table, before) ? (FROZEN[table] ?? []) : []) {
      if (field in patch && patch[field] !== before[field]) this.#note(table, before, field, patch);
    }
    if (table === 'instances' && 'pricePerHour' in patch) this.#note(table, before, 'pricePerHour', patch);
  }

  #note(table: TableName, before: AnyRow, field: string, patch: Readonly<Record<string, unknown>>): void {
    this.violations.push(
      `${table}/${before.id}: ${field} was ${String(before[field])} and became ${String(patch[field])}`,
    );
  }
}

function isFinished(table: TableName, { status }: AnyRow): boolean {
  // The status of a table's row is one of that table's.
  switch (table) {
    case 'runs':
      return isRunFinished(status as RunStatus);
    case 'jobs':
      return isJobFinished(status as JobStatus);
    case 'instances':
      return !isInstanceAlive(status as InstanceStatus);
    default:
      return false;
  }
}
