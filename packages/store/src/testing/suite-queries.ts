/** Claims about queries: what is found, in which order, page by page. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BerthError } from '@berth/core';
import fc from 'fast-check';
import type { TokenRow } from '../rows.ts';
import type { Comparison, Insert, Query, Where } from '../store.ts';
import { matches, select } from './array-model.ts';
import { id, sample } from './samples.ts';
import type { WithStore } from './suite.ts';

/** Few values, so that ties and nulls are the rule; some whose UTF-8 and UTF-16 orders differ. */
const USERS = ['a', 'B', 'é', '\uffee', '🚢', ''].map((text) => id<TokenRow['userId']>(text));
const PROJECTS = [null, id<NonNullable<TokenRow['projectId']>>('p1'), id<NonNullable<TokenRow['projectId']>>('p2')];
const TIMES = [null, -1, 0, 1, 2];

const tokenArbitrary = fc.record({
  userId: fc.constantFrom(...USERS),
  projectId: fc.constantFrom(...PROJECTS),
  scope: fc.constantFrom('read' as const, 'write' as const),
  expiresAt: fc.constantFrom(...TIMES),
  createdAt: fc.constantFrom(0, 1, 2),
});

const tokensArbitrary: fc.Arbitrary<Insert<TokenRow>[]> = fc
  .array(fc.tuple(fc.stringMatching(/^[a-f]{1,4}$/), tokenArbitrary), { maxLength: 25 })
  .map((entries) => [
    ...new Map(
      entries.map(([key, columns]) => [key, sample('tokens', { id: id(key), hash: key, ...columns })]),
    ).values(),
  ]);

function comparison<V>(values: readonly V[]): fc.Arbitrary<Comparison<V>> {
  const any = fc.constantFrom(...values);
  const solid = fc.constantFrom(...values.filter((value) => value !== null));
  return fc.oneof(
    any as fc.Arbitrary<Comparison<V>>, // a value is a comparison; inference does not see it through the union
    any.map((not) => ({ not })),
    fc.array(any, { maxLength: 4 }).map((list) => ({ in: list })),
    solid.map((gt) => ({ gt })),
    fc.tuple(solid, solid).map(([gte, lt]) => ({ gte, lt })),
    solid.map((lte) => ({ lte })),
  );
}

const whereArbitrary: fc.Arbitrary<Where<TokenRow>> = fc.record(
  {
    userId: comparison(USERS),
    projectId: comparison(PROJECTS),
    expiresAt: comparison(TIMES),
    scope: comparison(['read', 'write'] as const),
  },
  { requiredKeys: [] },
);

const ORDERS = ['id', 'userId', 'projectId', 'expiresAt', 'createdAt', 'scope'] as const;

const queryArbitrary: fc.Arbitrary<Query<TokenRow>> = fc.record(
  {
    where: whereArbitrary,
    orderBy: fc.tuple(fc.constantFrom(...ORDERS), fc.constantFrom('asc' as const, 'desc' as const)),
    limit: fc.nat(8),
  },
  { requiredKeys: [] },
);

export function queryClaims(run: WithStore): void {
  describe('queries', () => {
    test('find, count and delete agree with an array, whatever is asked', () =>
      run(async (store) => {
        await fc.assert(
          fc.asyncProperty(
            tokensArbitrary,
            fc.array(fc.tuple(queryArbitrary, fc.option(fc.nat())), { minLength: 1, maxLength: 12 }),
            whereArbitrary,
            async (tokens, queries, doomed) => {
              await store.transaction(async (tables) => {
                await tables.tokens.delete({ id: { not: id('') } });
                for (const token of tokens) await tables.tokens.insert(token);
              });
              const rows = await store.read.tokens.find();
              for (const [query, cursor] of queries) {
                const after = cursor === null ? undefined : rows[cursor % (rows.length || 1)]?.id;
                const asked: Query<TokenRow> = after === undefined ? query : { ...query, after };
                const expected = select(rows, asked);
                assert.deepEqual(await store.read.tokens.find(asked), expected);
                assert.deepEqual(await store.read.tokens.first(asked), expected[0] ?? null);
                assert.equal(
                  await store.read.tokens.count(query.where),
                  rows.filter((row) => matches(row, query.where)).length,
                );
              }
              if (Object.keys(doomed).length === 0) return;
              const gone = rows.filter((row) => matches(row, doomed));
              assert.equal(await store.transaction((tables) => tables.tokens.delete(doomed)), gone.length);
              assert.deepEqual(
                await store.read.tokens.find(),
                rows.filter((row) => !gone.includes(row)),
              );
            },
          ),
          { numRuns: 150 },
        );
      }));

    test('pages, one after the other, hold every row once and in order', () =>
      run(async (store) => {
        await fc.assert(
          fc.asyncProperty(
            tokensArbitrary,
            queryArbitrary,
            fc.integer({ min: 1, max: 4 }),
            async (tokens, query, size) => {
              await store.transaction(async (tables) => {
                await tables.tokens.delete({ id: { not: id('') } });
                for (const token of tokens) await tables.tokens.insert(token);
              });
              const { limit: _, ...unlimited } = query;
              const whole = await store.read.tokens.find(unlimited);
              const paged: TokenRow[] = [];
              for (;;) {
                const last = paged.at(-1);
                const page = await store.read.tokens.find({
                  ...unlimited,
                  limit: size,
                  ...(last && { after: last.id }),
                });
                if (page.length === 0) break;
                paged.push(...page);
              }
              assert.deepEqual(paged, whole);
            },
          ),
          { numRuns: 60 },
        );
      }));

    test('booleans are found by their value', () =>
      run(async (store) => {
        await store.transaction(async (tables) => {
          await tables.users.insert(sample('users', { id: id('u1'), name: 'a', active: true }));
          await tables.users.insert(sample('users', { id: id('u2'), name: 'b', active: false }));
        });
        const names = async (where: Where<{ active: boolean }>) =>
          (await store.read.users.find({ where })).map((u) => u.name);
        assert.deepEqual(await names({ active: true }), ['a']);
        assert.deepEqual(await names({ active: false }), ['b']);
        assert.deepEqual(await names({ active: { not: true } }), ['b']);
        assert.deepEqual(await names({ active: { in: [true, false] } }), ['a', 'b']);
      }));

    test('a list may hold thousands of values', () =>
      run(async (store) => {
        await store.transaction((tables) => tables.users.insert(sample('users')));
        const list = Array.from({ length: 5000 }, (_, i) => id<'u'>(`u${i}`));
        assert.equal(await store.read.users.count({ id: { in: list as never[] } }), 1); // ids of no particular kind
      }));

    test('a page after a row that is gone: an order by id goes on, another one says so', () =>
      run(async (store) => {
        await store.transaction(async (tables) => {
          for (const n of [1, 2, 3]) await tables.events.insert(sample('events', { id: id(`e${n}`), at: n }));
          await tables.events.delete({ id: id('e2') });
        });
        assert.deepEqual(
          (await store.read.events.find({ after: 'e2' })).map((event) => event.id),
          ['e3'],
        );
        await assert.rejects(
          store.read.events.find({ after: 'e2', orderBy: ['at', 'asc'] }),
          (error) => error instanceof BerthError && error.code === 'not-found' && error.message.includes('events/e2'),
        );
      }));

    test('columns that nobody declared as queried, unknown ones and unknown operators are refused by name', () =>
      run(async (store) => {
        const refused = (query: object, message: RegExp) =>
          assert.rejects(
            store.read.runs.find(query),
            (error) => error instanceof TypeError && message.test(error.message),
          );
        await refused({ where: { message: 'x' } }, /runs\.message is not declared as queried/);
        await refused({ where: { spec: { in: [] } } }, /runs\.spec is not declared as queried/);
        await refused({ orderBy: ['message', 'asc'] }, /runs\.message/);
        await refused({ where: { nonsense: 1 } }, /nonsense/);
        await refused({ where: { status: { like: 'r%' } } }, /like/);
        await refused({ where: { status: undefined } }, /runs\.status/);
        await refused({ where: { submittedAt: { gt: null } } }, /runs\.submittedAt/);
        await assert.rejects(store.read.runs.find({ limit: -1 }), RangeError);
        await assert.rejects(store.read.runs.find({ limit: 1.5 }), RangeError);
      }));
  });
}
