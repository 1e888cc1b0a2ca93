import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventId } from '@berth/core/ids';
import type { FailureRow, Insert } from '@berth/store';
import { removeOld } from './retention.ts';
import { startTestApi } from './testing/test-api.ts';

test('events go when they are old enough, in batches, and all others stay', async (t) => {
  const api = await startTestApi(t);
  const { store, blobs, clock, log } = api.parts;
  const now = clock.now();
  const day = 86_400_000;
  await store.transaction(async (tables) => {
    for (let n = 0; n < 1300; n++) {
      await tables.events.insert({
        id: `e${n}` as EventId,
        projectId: null,
        at: n < 1200 ? now - 31 * day : now - 29 * day,
        actor: null,
        kind: 'x',
        message: '',
        targetKind: 'run',
        targetId: '',
        targetName: '',
        runId: null,
        details: {},
      });
    }
  });
  const options = { store, blobs, clock, log };
  let commits = 0;
  store.onCommit(() => commits++);
  await removeOld({ ...options, eventRetentionMs: null }, new AbortController().signal);
  assert.equal(await store.read.events.count(), 1300);
  await removeOld({ ...options, eventRetentionMs: 30 * day }, new AbortController().signal);
  assert.equal(await store.read.events.count(), 100);
  assert.ok(commits >= 3, 'others come to write in between');
});

test('refusals of clouds go a day after the last moment at which they were believed', async (t) => {
  const api = await startTestApi(t);
  const { store, blobs, clock, log } = api.parts;
  const hour = 3_600_000;
  const refusal = (id: string, until: number): Insert<FailureRow> => ({
    id,
    projectId: 'p' as FailureRow['projectId'],
    backend: 'sim',
    code: 'no-capacity',
    scope: 'type',
    region: null,
    zone: null,
    instanceType: 'small',
    capacityType: 'spot',
    message: '',
    count: 1,
    at: 0,
    until,
  });
  await store.transaction(async (tables) => {
    await tables.failures.insert(refusal('old', clock.now() - 25 * hour));
    await tables.failures.insert(refusal('late', clock.now() - 23 * hour));
  });
  await removeOld({ store, blobs, clock, log, eventRetentionMs: null }, new AbortController().signal);
  assert.deepEqual(
    (await store.read.failures.find()).map(({ id }) => id),
    ['late'],
  );
});
