import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FleetId, InstanceId, IntentId, JobId, OrphanId, RunId } from '@berth/core/ids';
import type { Insert, IntentRow, OrphanRow } from '@berth/store';
import { createHandlers } from '../handlers/index.ts';
import { instanceRow, jobRow, runRow } from '../testing/rows.ts';
import { startTestApi } from '../testing/test-api.ts';

const HOUR = 3_600_000;

function terminateIntent(row: Partial<Insert<IntentRow>>): Insert<IntentRow> {
  return {
    id: 'x' as IntentId,
    projectId: 'p' as IntentRow['projectId'],
    kind: 'instance.terminate',
    instanceId: 'i' as InstanceId,
    backend: 'local',
    status: 'open',
    uncertain: true,
    attempts: 7,
    looks: 0,
    nextAttemptAt: 0,
    lastError: { code: 'auth', message: 'the key is wrong' },
    createdAt: 0,
    settledAt: null,
    ...row,
  };
}

function orphanRow(row: Partial<Insert<OrphanRow>>): Insert<OrphanRow> {
  return {
    id: 'o' as OrphanId,
    projectId: 'p' as OrphanRow['projectId'],
    backend: 'local',
    cloudId: 'c',
    token: 't',
    name: null,
    region: 'here',
    zone: null,
    instanceId: null,
    status: 'terminating',
    firstSeenAt: 0,
    lastSeenAt: 0,
    attempts: 1,
    nextAttemptAt: null,
    lastError: null,
    goneAt: null,
    ...row,
  };
}

test('a machine that cannot be given back is in the list of those that are stuck, with why, since when and what next', async (t) => {
  const api = await startTestApi(t);
  const owner = await api.user('owner');
  const { id: projectId } = await api.project('main', owner);
  const token = await api.token(owner);
  const since = api.clock.time - HOUR;
  const bad = instanceRow({
    id: 'bad' as InstanceId,
    name: 'bad',
    token: 'bad',
    projectId,
    status: 'terminating',
    terminationRequestedAt: since,
  });
  const well = instanceRow({ id: 'well' as InstanceId, name: 'well', token: 'well', projectId, status: 'idle' });
  await api.store.transaction(async (tables) => {
    await tables.instances.insert(bad);
    await tables.instances.insert(well);
    await tables.intents.insert(terminateIntent({ projectId, instanceId: bad.id, nextAttemptAt: api.clock.time + 5 }));
  });
  const { json } = await api.ask('GET /projects/main/instances?stuck=true', { token });
  assert.deepEqual(
    json.map(({ name, stuck }: { name: string; stuck: unknown }) => [name, stuck]),
    [
      [
        'bad',
        {
          what: 'cannot be terminated',
          why: 'the key is wrong',
          since,
          attempts: 7,
          next_attempt_at: api.clock.time + 5,
        },
      ],
    ],
  );
  const all = await api.ask('GET /projects/main/instances', { token });
  assert.equal(all.json.find(({ name }: { name: string }) => name === 'well').stuck, null);
});

test('costs are those of the time that is asked for, at the prices of the launch, by whatever is asked for', async (t) => {
  const api = await startTestApi(t);
  const owner = await api.user('owner');
  const { id: projectId } = await api.project('main', owner);
  const token = await api.token(owner);
  api.clock.time = 100 * HOUR;
  const ended = instanceRow({
    id: 'ended' as InstanceId,
    name: 'ended',
    token: 'ended',
    projectId,
    status: 'terminated',
    cloudId: 'c1',
    pricePerHour: 2,
    createdAt: 80 * HOUR,
    terminatedAt: 95 * HOUR,
  });
  const running = instanceRow({
    id: 'running' as InstanceId,
    name: 'running',
    token: 'running',
    projectId,
    fleetId: 'f' as FleetId,
    status: 'busy',
    cloudId: 'c2',
    pricePerHour: 10,
    createdAt: 98 * HOUR,
  });
  const never = instanceRow({
    id: 'never' as InstanceId,
    name: 'never',
    token: 'never',
    projectId,
    cloudId: null,
    createdAt: 98 * HOUR,
  });
  await api.store.transaction(async (tables) => {
    for (const row of [ended, running, never]) await tables.instances.insert(row);
    await tables.runs.insert(runRow({ id: 'r' as RunId, name: 'train', projectId, userId: owner.id }));
    const held = { instanceId: running.id, pricePerHour: 10, heldFrom: 99 * HOUR, heldUntil: null };
    await tables.jobs.insert(jobRow({ id: 'j' as JobId, runId: 'r' as RunId, projectId, ...held }));
    await tables.orphans.insert(
      orphanRow({ id: 'o1' as OrphanId, cloudId: 'stray', projectId, firstSeenAt: 96 * HOUR }),
    );
    const goneAt = 97 * HOUR;
    await tables.orphans.insert(
      orphanRow({
        id: 'o2' as OrphanId,
        cloudId: 'c1',
        instanceId: ended.id,
        projectId,
        firstSeenAt: 96 * HOUR,
        status: 'gone',
        goneAt,
      }),
    );
  });
  const cost = async (query: string) =>
    (await api.ask(`GET /projects/main/cost?since=${90 * HOUR}&${query}`, { token })).json;
  const groups = async (by: string) =>
    (await cost(`by=${by}`)).groups.map((group: Record<string, unknown>) => [
      group['name'],
      group['cost'],
      group['price_per_hour'],
    ]);
  // Two hours of the one that runs, five of the one that ended, two of what it cost when nobody had it on a book.
  assert.deepEqual(await groups('instance'), [
    ['running', 20, 10],
    ['ended', 10, 0],
  ]);
  assert.equal((await cost('')).total, 34);
  assert.deepEqual(await groups('run'), [
    [null, 20, 0],
    ['train', 10, 10],
  ]);
  assert.deepEqual(await groups('user'), [
    [null, 20, 0],
    ['owner', 10, 10],
  ]);
  const { orphans } = await cost('');
  assert.deepEqual(
    orphans.map((orphan: Record<string, unknown>) => [orphan['cloud_id'], orphan['cost'], orphan['until']]),
    [
      ['stray', null, null],
      ['c1', 4, 97 * HOUR],
    ],
  );
  assert.equal((await cost(`until=${91 * HOUR}`)).total, 2);
  const refused = await api.ask(`GET /projects/main/cost?since=${101 * HOUR}`, { token });
  assert.equal(refused.json.error.code, 'invalid-request');
});

test('a sweep tells of each backend what was found, and passes on that nothing is to be changed', async (t) => {
  const asked: unknown[] = [];
  const api = await startTestApi(t, {
    handlers: (parts) =>
      createHandlers({
        ...parts,
        engine: {
          ...parts.engine,
          sweep: async (_project, options) => {
            asked.push(options);
            const orphan = { cloudId: 'stray', name: 'berth-x', token: 'x', region: 'r1', instanceId: null };
            const seen = { status: 'watched', firstSeenAt: 5, terminatesAt: 9, attempts: 0, error: null } as const;
            const found = { machines: 3, orphans: [{ ...orphan, ...seen }], gone: [], adopted: [] };
            return [{ backend: 'sim', status: 'swept', message: null, ...found }];
          },
        },
      }),
  });
  const owner = await api.user('owner');
  await api.project('main', owner);
  const token = await api.token(owner);
  const { json } = await api.ask('POST /projects/main/sweep', { token, body: { dry_run: true } });
  assert.deepEqual(asked, [{ dryRun: true }]);
  assert.deepEqual(json, {
    dry_run: true,
    backends: [
      {
        backend: 'sim',
        status: 'swept',
        message: null,
        machines: 3,
        orphans: [
          {
            cloud_id: 'stray',
            name: 'berth-x',
            region: 'r1',
            status: 'watched',
            instance: null,
            first_seen_at: 5,
            terminates_at: 9,
            attempts: 0,
            error: null,
          },
        ],
        gone: [],
        adopted: [],
      },
    ],
  });
});
