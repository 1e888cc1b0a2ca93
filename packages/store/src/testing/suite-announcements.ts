/** Claims about announcements on one server; what others hear is proven where there are others. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TransactionMisuse } from '../store.ts';
import { SAMPLES } from './samples.ts';
import type { WithStore } from './suite.ts';

export function announcementClaims(run: WithStore): void {
  describe('announcements', () => {
    test('of a transaction are told once, after its commit and before it resolves', () =>
      run(async (store) => {
        const heard: string[] = [];
        store.onAnnouncement((message) => heard.push(message));
        await store.transaction(async (tables, commit) => {
          commit.announce('wake r1');
          commit.announce('wake r2');
          await tables.users.insert(SAMPLES.users);
          assert.deepEqual(heard, []);
        });
        assert.deepEqual(heard, ['wake r1', 'wake r2']);
      }));

    test('need no row to go with them', () =>
      run(async (store) => {
        const heard: string[] = [];
        store.onAnnouncement((message) => heard.push(message));
        await store.transaction(async (_tables, commit) => commit.announce('nothing was written'));
        store.announce('nor was anything begun');
        assert.deepEqual(heard, ['nothing was written', 'nor was anything begun']);
      }));

    test('of a transaction that fails are told to nobody', () =>
      run(async (store) => {
        const heard: string[] = [];
        store.onAnnouncement((message) => heard.push(message));
        const failing = store.transaction(async (_tables, commit) => {
          commit.announce('lost');
          throw new Error('no');
        });
        await assert.rejects(failing, /no/);
        assert.deepEqual(heard, []);
      }));

    test('are not heard any more by who has left, and what a listener throws disturbs nobody', () =>
      run(async (store) => {
        const heard: string[] = [];
        const leave = store.onAnnouncement((message) => heard.push(message));
        store.onAnnouncement(() => {
          throw new Error('a listener of this test that throws');
        });
        store.onAnnouncement((message) => heard.push(`also ${message}`));
        store.announce('one');
        leave();
        await store.transaction(async (_tables, commit) => commit.announce('two'));
        assert.deepEqual(heard, ['one', 'also one', 'also two']);
      }));

    test('that could not be told everywhere as they are, are refused', () =>
      run(async (store) => {
        for (const message of ['x'.repeat(4001), 'é'.repeat(2001), 'nul\0', 'half\ud83d']) {
          assert.throws(() => store.announce(message), TransactionMisuse);
          await assert.rejects(
            store.transaction(async (_tables, commit) => commit.announce(message)),
            TransactionMisuse,
          );
        }
        store.announce('é'.repeat(2000));
      }));
  });
}
