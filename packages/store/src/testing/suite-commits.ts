/** Claims about who is told of a commit, and when. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RowChange } from '../store.ts';
import { id, SAMPLES, sample } from './samples.ts';
import type { WithStore } from './suite.ts';

export function commitClaims(run: WithStore): void {
  describe('commit listeners', () => {
    test('hear of each changed row once, after the commit and before the writer goes on', () =>
      run(async (store) => {
        const heard: (readonly RowChange[])[] = [];
        const found: Promise<unknown>[] = [];
        store.onCommit((changes) => {
          heard.push(changes);
          found.push(store.read.users.get('u1'));
        });
        await store.transaction(async (tables) => {
          await tables.users.insert(SAMPLES.users);
          await tables.users.update('u1', 1, { email: 'a@b' });
          await tables.projects.insert(SAMPLES.projects);
          assert.deepEqual(heard, []);
        });
        assert.deepEqual(heard, [
          [
            { table: 'users', id: 'u1' },
            { table: 'projects', id: 'p1' },
          ],
        ]);
        assert.deepEqual(await Promise.all(found), [{ ...SAMPLES.users, email: 'a@b', version: 2 }]);
      }));

    test('hear of deleted rows', () =>
      run(async (store) => {
        await store.transaction((tables) => tables.users.insert(SAMPLES.users));
        const heard: RowChange[] = [];
        store.onCommit((changes) => heard.push(...changes));
        await store.transaction((tables) => tables.users.delete({ name: 'ada' }));
        assert.deepEqual(heard, [{ table: 'users', id: 'u1' }]);
      }));

    test('hear nothing of a rollback, of a transaction without writes, or after they have left', () =>
      run(async (store) => {
        let heard = 0;
        const leave = store.onCommit(() => heard++);
        await assert.rejects(
          store.transaction(async (tables) => {
            await tables.users.insert(SAMPLES.users);
            throw new Error('no');
          }),
        );
        await store.transaction((tables) => tables.users.count());
        assert.equal(heard, 0);
        await store.transaction((tables) => tables.users.insert(SAMPLES.users));
        assert.equal(heard, 1);
        leave();
        await store.transaction((tables) => tables.projects.insert(SAMPLES.projects));
        assert.equal(heard, 1);
      }));

    test('hear of commits in the order of commits', () =>
      run(async (store) => {
        const heard: string[] = [];
        store.onCommit((changes) => heard.push(...changes.map((change) => change.id)));
        const ids = Array.from({ length: 30 }, (_, i) => `e${i}`);
        await Promise.all(
          ids.map((event) => store.transaction((tables) => tables.events.insert(sample('events', { id: id(event) })))),
        );
        assert.deepEqual(heard, ids);
      }));

    test('may begin a transaction', () =>
      run(async (store) => {
        const done = Promise.withResolvers<unknown>();
        const leave = store.onCommit(() => {
          leave();
          done.resolve(store.transaction((tables) => tables.projects.insert(SAMPLES.projects)));
        });
        await store.transaction((tables) => tables.users.insert(SAMPLES.users));
        await done.promise;
        assert.equal(await store.read.projects.count(), 1);
      }));

    test('that throw disturb neither the transaction nor each other', () =>
      run(async (store) => {
        let heard = 0;
        store.onCommit(() => {
          throw new Error('a listener of this test that throws');
        });
        store.onCommit(async () => {
          throw new Error('a listener of this test that throws later');
        });
        store.onCommit(() => heard++);
        await store.transaction((tables) => tables.users.insert(SAMPLES.users));
        assert.equal(heard, 1);
        assert.equal(await store.read.users.count(), 1);
      }));
  });
}
