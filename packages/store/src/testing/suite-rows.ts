/** Claims about single rows: what is written is what is read, versions, unique indexes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Rows, TableName } from '../rows.ts';
import { type Insert, StaleRow, type Store, type Table, UniqueViolation } from '../store.ts';
import { TABLE_NAMES, TABLES } from '../tables.ts';
import { id, SAMPLES, sample } from './samples.ts';
import type { WithStore } from './suite.ts';

async function insert<K extends TableName>(store: Store, table: K, row: Insert<Rows[K]>): Promise<Rows[K]> {
  // A mapped type over a generic key does not reduce, although it can only be this.
  return store.transaction((tables) => (tables[table] as unknown as Table<Rows[K]>).insert(row));
}

/** Two rows that cannot both be there, by the index that refuses; and what makes room for the second. */
const UNIQUE: readonly {
  readonly index: string;
  readonly table: TableName;
  readonly second: Readonly<Record<string, unknown>>;
  readonly room?: Readonly<Record<string, unknown>>;
}[] = [
  { index: 'users_pkey', table: 'users', second: { name: 'bob' } },
  { index: 'users_name', table: 'users', second: { id: 'u2' } },
  { index: 'tokens_hash', table: 'tokens', second: { id: 't2' } },
  { index: 'projects_name', table: 'projects', second: { id: 'p2' }, room: { deletedAt: 5 } },
  { index: 'members_place', table: 'members', second: { id: 'other' } },
  { index: 'secrets_name', table: 'secrets', second: { id: 's2' } },
  { index: 'backends_name', table: 'backends', second: { id: 'b2' }, room: { deletedAt: 5 } },
  { index: 'runs_live_name', table: 'runs', second: { id: 'r2' }, room: { live: false } },
  { index: 'jobs_place', table: 'jobs', second: { id: 'j2' } },
  { index: 'instances_token', table: 'instances', second: { id: 'i2' } },
  { index: 'fleets_live_name', table: 'fleets', second: { id: 'f2' }, room: { live: false } },
  { index: 'intents_open', table: 'intents', second: { id: 'n2' }, room: { status: 'done' } },
  { index: 'blobs_place', table: 'blobs', second: { id: 'other' } },
  { index: 'orphans_machine', table: 'orphans', second: { id: 'o2' } },
  { index: 'bootstraps_place', table: 'bootstraps', second: { id: 'other' } },
];

/** Rows of a table that is chosen at run time: only for the tables of UNIQUE, all of which have versions. */
const anyTable = (tables: object, name: TableName) =>
  (tables as Record<TableName, unknown>)[name] as Table<{ id: string; version: number }>;

export function rowClaims(run: WithStore): void {
  describe('rows', () => {
    for (const name of TABLE_NAMES) {
      test(`a row of ${name} is read as it was written`, () =>
        run(async (store) => {
          const written = await insert(store, name, SAMPLES[name]);
          const read = await store.read[name].get(SAMPLES[name].id);
          assert.deepEqual(read, 'version' in TABLES[name].columns ? { ...SAMPLES[name], version: 1 } : SAMPLES[name]);
          assert.deepEqual(written, read);
        }));
    }

    test('extreme values come back exactly', () =>
      run(async (store) => {
        const row = sample('jobs', {
          message: 'naïve 🚢\n\u001b[31m "quoted" \\ \'single\' $1 ?',
          signal: '',
          exitStatus: -1,
          logBytes: Number.MAX_SAFE_INTEGER,
          heldFrom: 0,
          pricePerHour: 0.1 + 0.2,
          avoidOffers: { 'a"b': 1, 'zero\u0000': 2 },
        });
        await insert(store, 'jobs', row);
        assert.deepEqual(await store.read.jobs.get(row.id), { ...row, version: 1 });
      }));

    test('text that no database can hold is kept with replacement characters, and found by them', () =>
      run(async (store) => {
        const kept = await insert(store, 'users', sample('users', { name: 'nul\0half\ud83d' }));
        assert.equal(kept.name, 'nul\ufffdhalf\ufffd');
        assert.deepEqual(await store.read.users.find({ where: { name: 'nul\0half\ud83d' } }), [kept]);
      }));

    test('a value that does not fit its column is refused by name, and nothing is written', () =>
      run(async (store) => {
        const bad: readonly (readonly [Partial<Record<string, unknown>>, RegExp])[] = [
          [{ createdAt: 1.5 }, /users\.createdAt/],
          [{ createdAt: Number.NaN }, /users\.createdAt/],
          [{ createdAt: '7' }, /users\.createdAt/],
          [{ name: null }, /users\.name/],
          [{ name: undefined }, /users\.name/],
          [{ active: 1 }, /users\.active/],
          [{ surname: 'x' }, /surname/],
        ];
        for (const [columns, message] of bad) {
          const row = { ...SAMPLES.users, ...columns } as Insert<Rows['users']>; // wrong on purpose
          await assert.rejects(
            insert(store, 'users', row),
            (error) => error instanceof TypeError && message.test(error.message),
          );
        }
        assert.equal(await store.read.users.count(), 0);
      }));

    test('an update changes what it names, and grows the version by one', () =>
      run(async (store) => {
        await insert(store, 'runs', SAMPLES.runs);
        const updated = await store.transaction((tables) =>
          tables.runs.update('r1', 1, { status: 'running', startedAt: 5, message: null }),
        );
        assert.deepEqual(updated, { ...SAMPLES.runs, status: 'running', startedAt: 5, version: 2 });
        assert.deepEqual(await store.read.runs.get('r1'), updated);
      }));

    test('an update of an old version, or of a row that is gone, is a StaleRow and changes nothing', () =>
      run(async (store) => {
        const first = await insert(store, 'users', SAMPLES.users);
        const second = await store.transaction((tables) => tables.users.update('u1', first.version, { email: 'a@b' }));
        const stale = (rowId: string) =>
          assert.rejects(
            store.transaction((tables) => tables.users.update(rowId, first.version, { email: 'lost' })),
            (error) => error instanceof StaleRow && error.table === 'users' && error.id === rowId,
          );
        await stale('u1');
        await stale('nobody');
        assert.deepEqual(await store.read.users.get('u1'), second);
      }));

    test('id, version and rows without a version cannot be patched', () =>
      run(async (store) => {
        await insert(store, 'users', SAMPLES.users);
        await insert(store, 'events', SAMPLES.events);
        const patches = [{ id: 'u9' }, { version: 9 }, { email: undefined }] as object[]; // wrong on purpose
        for (const patch of patches)
          await assert.rejects(
            store.transaction((tables) => tables.users.update('u1', 1, patch)),
            TypeError,
          );
        await assert.rejects(
          store.transaction((tables) => tables.events.update('e1', 1, { message: 'x' })),
          TypeError,
        );
      }));

    test('delete says how many rows went, and never takes all by accident', () =>
      run(async (store) => {
        for (const n of [1, 2, 3, 4]) await insert(store, 'events', sample('events', { id: id(`e${n}`), at: n }));
        const remove = (where: object, limit?: number) =>
          store.transaction((tables) => tables.events.delete(where, limit));
        await assert.rejects(remove({}), TypeError);
        await assert.rejects(remove({ at: undefined }), TypeError);
        await assert.rejects(remove({ at: {} }), TypeError);
        assert.equal(await remove({ at: { lt: 4 } }, 2), 2);
        assert.equal(await store.read.events.count({ at: { lt: 4 } }), 1);
        assert.equal(await store.read.events.count(), 2);
        assert.equal(await remove({ at: { lt: 4 } }), 1);
        assert.equal(await remove({ id: 'e1' }), 0);
        assert.equal(await store.read.events.count(), 1);
      }));
  });

  describe('unique indexes', () => {
    test('every one is proven below', () => {
      const declared = TABLE_NAMES.flatMap((name) =>
        Object.entries(TABLES[name].indexes).flatMap(([index, spec]) => ('unique' in spec ? [index] : [])),
      );
      assert.deepEqual(
        declared.toSorted(),
        UNIQUE.map((u) => u.index)
          .filter((index) => index !== 'users_pkey')
          .toSorted(),
      );
    });

    for (const { index, table, second, room } of UNIQUE) {
      test(`${index} refuses the second row, by name, and the transaction can go on`, () =>
        run(async (store) => {
          await insert(store, table, SAMPLES[table]);
          const clash = { ...SAMPLES[table], ...second };
          await store.transaction(async (tables) => {
            await assert.rejects(
              anyTable(tables, table).insert(clash),
              (error) => error instanceof UniqueViolation && error.index === index && error.table === table,
            );
            await tables.events.insert(sample('events', { id: id('after') }));
          });
          assert.equal(await store.read[table].count(), 1);
          assert.ok(await store.read.events.get('after'));
          if (!room) return;
          await store.transaction((tables) => anyTable(tables, table).update(SAMPLES[table].id, 1, room));
          await store.transaction((tables) => anyTable(tables, table).insert(clash));
          // And back: an update is refused as an insert is.
          const undo = Object.fromEntries(
            Object.keys(room).map((key) => [key, Object.entries(SAMPLES[table]).find(([k]) => k === key)?.[1]]),
          );
          await store.transaction(async (tables) => {
            await assert.rejects(
              anyTable(tables, table).update(SAMPLES[table].id, 2, undo),
              (error) => error instanceof UniqueViolation && error.index === index,
            );
            await tables.events.insert(sample('events', { id: id('after the update') }));
          });
          assert.ok(await store.read.events.get('after the update'));
          assert.equal((await anyTable(store.read, table).get(SAMPLES[table].id))?.version, 2);
        }));
    }
  });
}
