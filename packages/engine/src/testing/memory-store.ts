/**
 * A store in plain memory, for histories by the thousand: as SQLite behaves towards the engine, without
 * its checks of what is asked. `histories.test.ts` plays the same histories on both.
 */
import {
  type Commit,
  type Query,
  type ReadTable,
  type ReadTables,
  type RowChange,
  type Rows,
  StaleRow,
  type Store,
  type Table,
  type TableName,
  type Tables,
  UniqueViolation,
  type Where,
} from '@berth/store';
import { Announcements } from '@berth/store/announcements';
import { type IndexSpec, TABLE_NAMES, TABLES } from '@berth/store/tables';
import { matches, select } from '@berth/store/testing/array-model';

/** What every row has that can be changed; of any table. */
type AnyRow = { readonly id: string; readonly version: number };

/** The rows of one table, and how to undo what the running transaction did. */
class MemoryTable implements Table<AnyRow> {
  readonly #name: TableName;
  readonly #rows = new Map<string, AnyRow>();
  readonly #unique: readonly (readonly [string, IndexSpec<AnyRow>])[];
  /** Rows by the value of a column, for the columns with which an index begins. */
  readonly #byColumn = new Map<string, Map<unknown, Map<string, AnyRow>>>();
  #undo: (() => void)[] = [];
  #changed = new Set<string>();
  /** Told of the first change in a transaction. */
  readonly #touched: (table: MemoryTable) => void;

  constructor(name: TableName, touched: (table: MemoryTable) => void) {
    this.#name = name;
    this.#touched = touched;
    // Of this table's own rows, which are not told apart here.
    const indexes = Object.entries(TABLES[name].indexes) as unknown as [string, IndexSpec<AnyRow>][];
    this.#unique = indexes.filter(([, index]) => index.unique === true);
    // A project has all rows of a history: that narrows nothing.
    for (const on of indexes.map(([, index]) => index.on as readonly string[])) {
      if (on[0] !== undefined && on[0] !== 'projectId' && on[0] !== 'id') this.#byColumn.set(on[0], new Map());
    }
  }

  async get(id: string): Promise<AnyRow | null> {
    return this.#rows.get(id) ?? null;
  }

  async find(query: Query<AnyRow> = {}): Promise<AnyRow[]> {
    const rows = this.#fitting(query.where);
    if (query.orderBy !== undefined || query.after !== undefined) return select(rows, { ...query, where: {} });
    // Ids are of ASCII, so this is the order of their bytes.
    if (rows.length > 1) rows.sort((a, b) => (a.id < b.id ? -1 : 1));
    return query.limit === undefined ? rows : rows.slice(0, query.limit);
  }

  async first(query: Query<AnyRow>): Promise<AnyRow | null> {
    return (await this.find({ ...query, limit: 1 }))[0] ?? null;
  }

  async count(where?: Where<AnyRow>): Promise<number> {
    return this.#fitting(where).length;
  }

  async insert(row: Omit<AnyRow, 'version'>): Promise<AnyRow> {
    const kept = { ...row, version: 1 };
    if (this.#rows.has(row.id)) throw new UniqueViolation(this.#name, `${this.#name}_pkey`);
    this.#refuseTwins(kept);
    this.#set(row.id, kept);
    return kept;
  }

  async update(id: string, version: number, patch: Partial<AnyRow>): Promise<AnyRow> {
    const before = this.#rows.get(id);
    if (before?.version !== version) throw new StaleRow(this.#name, id);
    const kept = { ...before, ...patch, version: version + 1 };
    this.#refuseTwins(kept);
    this.#set(id, kept);
    return kept;
  }

  async delete(where: Where<AnyRow>, limit = Number.POSITIVE_INFINITY): Promise<number> {
    const going = this.#fitting(where).slice(0, limit);
    for (const { id } of going) this.#set(id, null);
    return going.length;
  }

  commit(): RowChange[] {
    const changes = [...this.#changed].map((id) => ({ table: this.#name, id }));
    this.#undo = [];
    this.#changed = new Set();
    return changes;
  }

  rollBack(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.commit();
  }

  #fitting(where: Where<AnyRow> = {}): AnyRow[] {
    if (typeof where.id === 'string') {
      const row = this.#rows.get(where.id);
      return row !== undefined && matches(row, where) ? [row] : [];
    }
    const rows: AnyRow[] = [];
    for (const row of this.#indexed(where)) if (matches(row, where)) rows.push(row);
    return rows;
  }

  /** Those that may fit: by the first index whose first column is asked for by its value. */
  #indexed(where: Where<AnyRow>): Iterable<AnyRow> {
    for (const [column, rows] of this.#byColumn) {
      // Columns are named by strings here; a condition that is no value is an object.
      const wanted = (where as Readonly<Record<string, unknown>>)[column];
      if (wanted !== undefined && (typeof wanted !== 'object' || wanted === null))
        return rows.get(wanted)?.values() ?? [];
    }
    return this.#rows.values();
  }

  #set(id: string, row: AnyRow | null): void {
    const before = this.#rows.get(id);
    if (this.#undo.length === 0) this.#touched(this);
    this.#undo.push(() => this.#put(id, this.#rows.get(id), before));
    this.#changed.add(id);
    this.#put(id, before, row ?? undefined);
  }

  #put(id: string, before: AnyRow | undefined, after: AnyRow | undefined): void {
    if (after === undefined) this.#rows.delete(id);
    else this.#rows.set(id, after);
    for (const [column, rows] of this.#byColumn) {
      const [from, to] = [before, after].map((row) => (row as Readonly<Record<string, unknown>> | undefined)?.[column]);
      if (before !== undefined && (from !== to || after === undefined)) rows.get(from)?.delete(id);
      if (after === undefined) continue;
      const same = rows.get(to);
      if (same === undefined) rows.set(to, new Map([[id, after]]));
      else same.set(id, after);
    }
  }

  #refuseTwins(row: AnyRow): void {
    for (const [index, { on, where }] of this.#unique) {
      if (!matches(row, where)) continue;
      const twin = { ...where, ...Object.fromEntries(on.map((column) => [column, row[column]])) };
      if (this.#fitting(twin).some((other) => other.id !== row.id)) throw new UniqueViolation(this.#name, index);
    }
  }
}

export class MemoryStore implements Store {
  readonly #tables = new Map<TableName, MemoryTable>();
  readonly #listeners = new Set<(changes: readonly RowChange[]) => void>();
  readonly #announcements = new Announcements((error) => {
    throw error;
  });
  /** By the transaction that runs. */
  readonly #touched: MemoryTable[] = [];
  readonly #typed: Tables;
  readonly read: ReadTables;
  #turn: Promise<unknown> = Promise.resolve();

  constructor() {
    for (const name of TABLE_NAMES) {
      this.#tables.set(name, new MemoryTable(name, (table) => this.#touched.push(table)));
    }
    // Each table holds what its own type says, because nothing but `Tables` leads to it.
    this.#typed = Object.fromEntries(this.#tables) as unknown as Tables;
    this.read = Object.fromEntries(
      TABLE_NAMES.map((name) => [name, this.#inTurn(this.#typed[name] as unknown as ReadTable<Rows[typeof name]>)]),
    ) as unknown as ReadTables;
  }

  transaction<T>(work: (tables: Tables, commit: Commit) => Promise<T>): Promise<T> {
    return this.#take(async () => {
      const announced: string[] = [];
      try {
        const result = await work(this.#typed, {
          announce: (message) => {
            if (!announced.includes(message)) announced.push(message);
          },
        });
        if (this.#touched.length > 0) {
          const changes = this.#touched.flatMap((table) => table.commit());
          for (const listener of this.#listeners) listener(changes);
        }
        for (const message of announced) this.#announcements.tell(message);
        return result;
      } catch (error) {
        for (const table of this.#touched) table.rollBack();
        throw error;
      } finally {
        this.#touched.length = 0;
      }
    });
  }

  onCommit(listener: (changes: readonly RowChange[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onAnnouncement(listener: (message: string) => void): () => void {
    return this.#announcements.listen(listener);
  }

  announce(message: string): void {
    this.#announcements.tell(message);
  }

  async close(): Promise<void> {
    await this.#turn;
  }

  /** A read outside of a transaction never sees what is not committed. */
  #inTurn<Row>(table: ReadTable<Row>): ReadTable<Row> {
    return {
      get: (id) => this.#take(() => table.get(id)),
      find: (query) => this.#take(() => table.find(query)),
      first: (query) => this.#take(() => table.first(query)),
      count: (where) => this.#take(() => table.count(where)),
    };
  }

  #take<T>(work: () => Promise<T>): Promise<T> {
    const outcome = this.#turn.then(work);
    this.#turn = outcome.catch(() => {});
    return outcome;
  }
}
