/** Claims about transactions: all or nothing, unseen until committed, one after the other. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StaleRow, StoreUnavailable, type Tables, TransactionMisuse, UniqueViolation } from '../store.ts';
import { id, SAMPLES, sample } from './samples.ts';
import type { WithStore } from './suite.ts';

export function transactionClaims(run: WithStore): void {
  describe('transactions', () => {
    test('a transaction returns what its work returns and sees what it has written', () =>
      run(async (store) => {
        const seen = await store.transaction(async (tables) => {
          await tables.users.insert(SAMPLES.users);
          await tables.users.update('u1', 1, { email: 'a@b' });
          return [await tables.users.get('u1'), await tables.users.count()];
        });
        assert.deepEqual(seen, [{ ...SAMPLES.users, email: 'a@b', version: 2 }, 1]);
      }));

    test('when the work throws, nothing of it is written and its error passes through', () =>
      run(async (store) => {
        await store.transaction((tables) => tables.users.insert(SAMPLES.users));
        const failure = new Error('changed my mind');
        await assert.rejects(
          store.transaction(async (tables) => {
            await tables.projects.insert(SAMPLES.projects);
            await tables.users.update('u1', 1, { email: 'lost' });
            await tables.users.delete({ id: id('u1') });
            throw failure;
          }),
          (error) => error === failure,
        );
        await assert.rejects(
          store.transaction(() => {
            throw failure;
          }),
          (error) => error === failure,
        );
        assert.deepEqual(await store.read.users.find(), [{ ...SAMPLES.users, version: 1 }]);
        assert.equal(await store.read.projects.count(), 0);
      }));

    test('a read beside a transaction never sees what is then rolled back', () =>
      run(async (store) => {
        const written = Promise.withResolvers<void>();
        const decided = Promise.withResolvers<void>();
        const transaction = store.transaction(async (tables) => {
          await tables.users.insert(SAMPLES.users);
          written.resolve();
          await decided.promise;
          throw new Error('no');
        });
        await written.promise;
        // Whether a store answers at once or after the transaction is its own affair.
        const reads = Promise.all([store.read.users.get('u1'), store.read.users.count(), store.read.users.find()]);
        decided.resolve();
        await assert.rejects(transaction, /no/);
        assert.deepEqual(await reads, [null, 0, []]);
      }));

    test('a committed write is seen by the next read', () =>
      run(async (store) => {
        for (let i = 0; i < 50; i++) {
          const row = sample('events', { id: id(`e${i}`) });
          await store.transaction((tables) => tables.events.insert(row));
          assert.deepEqual(await store.read.events.get(row.id), row);
        }
      }));

    test('writers take turns in the order in which they came', () =>
      run(async (store) => {
        const order: string[] = [];
        await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            store.transaction(async (tables) => {
              order.push(`begin ${i}`);
              await tables.users.count();
              await new Promise((soon) => setImmediate(soon));
              order.push(`end ${i}`);
            }),
          ),
        );
        assert.deepEqual(order, Array.from({ length: 20 }, (_, i) => [`begin ${i}`, `end ${i}`]).flat());
      }));

    test('a hundred that count the same row up at once lose no step, with a new try for each StaleRow', () =>
      run(async (store) => {
        await store.transaction((tables) => tables.runs.insert(SAMPLES.runs));
        let stale = 0;
        const step = async (): Promise<void> => {
          const row = await store.read.runs.get('r1');
          assert.ok(row);
          try {
            await store.transaction((tables) =>
              tables.runs.update('r1', row.version, { submission: row.submission + 1 }),
            );
          } catch (error) {
            if (!(error instanceof StaleRow)) throw error;
            stale++;
            await step();
          }
        };
        await Promise.all(Array.from({ length: 100 }, step));
        assert.equal((await store.read.runs.get('r1'))?.submission, 100);
        assert.equal((await store.read.runs.get('r1'))?.version, 101);
        assert.ok(stale > 0, 'the claim was not put to the test');
      }));

    test('a work may ask several things at once, also beside something that is refused', () =>
      run(async (store) => {
        await store.transaction(async (tables) => {
          await tables.users.insert(SAMPLES.users);
          await tables.users.insert(sample('users', { id: id('u2'), name: 'bob' }));
          const event = (name: string) => tables.events.insert(sample('events', { id: id(name) }));
          const [, clash, , twin] = await Promise.allSettled([
            event('e1'),
            tables.users.update('u2', 1, { name: 'ada' }),
            event('e2'),
            tables.users.insert(sample('users', { id: id('u3') })),
            event('e3'),
          ]);
          for (const refused of [clash, twin])
            assert.ok(refused.status === 'rejected' && refused.reason instanceof UniqueViolation);
          const again = assert.rejects(tables.users.update('u2', 1, { name: 'ada' }), UniqueViolation);
          // Time enough for it to be on its way, and not for its answer.
          for (let i = 0; i < 10; i++) await null;
          await event('e4');
          await again;
        });
        assert.deepEqual([await store.read.users.count(), await store.read.events.count()], [2, 4]);
      }));

    test('a transaction inside of another is refused at once, not waited for', () =>
      run(async (store) => {
        await assert.rejects(
          store.transaction(async (tables) => {
            await tables.users.insert(SAMPLES.users);
            await store.transaction(async () => {});
          }),
          TransactionMisuse,
        );
        assert.equal(await store.read.users.count(), 0);
      }));

    test('store.read inside of a transaction is refused', () =>
      run(async (store) => {
        await assert.rejects(
          store.transaction(async () => store.read.users.count()),
          TransactionMisuse,
        );
      }));

    test('what a transaction has set going may use the store after its end', () =>
      run(async (store) => {
        const later = Promise.withResolvers<number>();
        await store.transaction(async (tables) => {
          setTimeout(() => store.transaction((own) => own.users.count()).then(later.resolve, later.reject), 5);
          await tables.users.insert(SAMPLES.users);
        });
        assert.equal(await later.promise, 1);
      }));

    test('the tables of a transaction are of no use after its end', () =>
      run(async (store) => {
        const kept: Tables[] = [];
        await store.transaction(async (tables) => void kept.push(tables));
        await assert.rejects(async () => kept[0]?.users.insert(SAMPLES.users), TransactionMisuse);
        assert.equal(await store.read.users.count(), 0);
      }));

    test('close waits for the transaction that runs and refuses all others', () =>
      run(async (store) => {
        const begun = Promise.withResolvers<void>();
        const running = store.transaction(async (tables) => {
          begun.resolve();
          await new Promise((soon) => setTimeout(soon, 10));
          return tables.users.insert(SAMPLES.users);
        });
        await begun.promise;
        const closed = (error: unknown) => error instanceof StoreUnavailable && error.reason === 'closed';
        const waiting = assert.rejects(
          store.transaction(async () => {}),
          closed,
        );
        await store.close();
        assert.equal((await running).name, 'ada');
        await waiting;
        await assert.rejects(
          store.transaction(async () => {}),
          closed,
        );
        await assert.rejects(store.read.users.count(), closed);
      }));
  });
}
