import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stuckness } from './stuck.ts';
import { instanceRow, intentRow, MINUTE, NOW } from './testing/rows.ts';
import { STUCK_AFTER_ATTEMPTS, STUCK_AFTER_MS } from './timing.ts';

const end = intentRow({ kind: 'instance.terminate', lastError: { code: 'auth', message: 'the key is wrong' } });

test('a machine that is let go is stuck after enough failures, or when the cloud takes too long', () => {
  const row = instanceRow({ status: 'terminating', terminationRequestedAt: NOW - MINUTE });
  assert.equal(stuckness(row, [{ ...end, attempts: STUCK_AFTER_ATTEMPTS - 1 }], NOW), null);
  const stuck = stuckness(row, [{ ...end, attempts: STUCK_AFTER_ATTEMPTS, nextAttemptAt: NOW + 5 }], NOW);
  assert.deepEqual(stuck, {
    what: 'cannot be terminated',
    why: 'the key is wrong',
    since: NOW - MINUTE,
    attempts: STUCK_AFTER_ATTEMPTS,
    nextAttemptAt: NOW + 5,
  });
  const slow = { ...row, terminationRequestedAt: NOW - STUCK_AFTER_MS };
  assert.equal(stuckness(slow, [{ ...end, lastError: null }], NOW)?.why, 'the cloud still lists it');
});

test('a machine that cannot be made is stuck after enough attempts, and one that is well is not', () => {
  const row = instanceRow({ status: 'provisioning' });
  assert.equal(stuckness(row, [intentRow({ attempts: STUCK_AFTER_ATTEMPTS })], NOW)?.what, 'cannot be created');
  assert.equal(stuckness(row, [intentRow({ attempts: 1 })], NOW), null);
  assert.equal(stuckness(instanceRow(), [], NOW), null);
});

test('of a machine that nobody wants and whose creation is open, that is what holds it up', () => {
  const row = instanceRow({ status: 'terminating', terminationRequestedAt: NOW - STUCK_AFTER_MS });
  assert.equal(stuckness(row, [end, intentRow()], NOW)?.what, 'its creation cannot be settled');
});
