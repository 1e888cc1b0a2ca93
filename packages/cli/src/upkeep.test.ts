/** `berth sweep`, `berth cost`, `berth instance list --stuck`: what a person sees of what is billed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json, startFakeServer } from '@berth/client/fake-server';
import { world } from './testing/berth.ts';
import { instanceView } from './testing/views.ts';

const P = '/projects/main';

const orphan = {
  cloud_id: 'i-1',
  name: 'berth-x',
  region: 'r1',
  status: 'terminating',
  instance: null,
  first_seen_at: 0,
  terminates_at: 0,
  attempts: 2,
  error: 'no right to end it',
};
const swept = { backend: 'sim', status: 'swept', message: null, machines: 2, orphans: [orphan], gone: [], adopted: [] };

test('a sweep shows what is on no book and what is gone; one that could not ask a cloud ends with 1', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const reported = { ...orphan, cloud_id: 'i-2', name: null, status: 'reported', terminates_at: null };
  const view = {
    dry_run: true,
    backends: [{ ...swept, orphans: [orphan, reported], gone: [{ id: 'x', name: 'train-1' }] }],
  };
  server.on(`POST ${P}/sweep`, json(view));
  const result = await w.berth(['sweep', '--dry-run']);
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /^sim: 2 machines\n/);
  assert.match(result.stdout, /on no book {2}berth-x in r1, .*tried 2 times \(no right to end it\)/);
  assert.match(result.stdout, /on no book {2}i-2 in r1, .*not provably ours/);
  assert.match(result.stdout, /gone {2}train-1: the cloud does not have it/);
  assert.match(result.stdout, /Nothing was changed\.\n$/);
  assert.deepEqual(JSON.parse(String(server.seen.at(-1)?.body)), { dry_run: true });
  assert.deepEqual(JSON.parse((await w.berth(['sweep', '--json'])).stdout), view);
  server.on(
    `POST ${P}/sweep`,
    json({ dry_run: false, backends: [{ ...swept, status: 'failed', message: 'no answer' }] }),
  );
  const failed = await w.berth(['sweep']);
  assert.deepEqual([failed.code, failed.stdout], [1, 'sim: could not be asked: no answer\n']);
});

test('costs are added up, and what has no known price is named and not in the total', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const view = {
    since: 0,
    until: 3_600_000,
    by: 'user',
    groups: [
      { name: 'ada', cost: 12.5, price_per_hour: 2, instances: 3 },
      { name: null, cost: 0.5, price_per_hour: 0, instances: 1 },
    ],
    total: 13,
    price_per_hour: 2,
    orphans: [{ cloud_id: 'i-1', backend: 'sim', region: 'r1', status: 'watched', since: 0, until: null, cost: null }],
  };
  server.on(`GET ${P}/cost`, json(view));
  const { stdout } = await w.berth(['cost', '--by', 'user', '--since', '7d']);
  assert.match(stdout, /USER +MACHINES +NOW PER HOUR +COST\s+ada +3 +\$2\.00 +\$12\.50\s+\(idle\) +1 +\$0\.50/);
  assert.match(stdout, /Total \$13\.00, now \$2\.00 per hour/);
  assert.match(stdout, /i-1 +sim\/r1 +watched .*price unknown\nNot in the total: 1 on no book, of unknown price\n$/);
  assert.match(String(server.seen.at(-1)?.query), /by=user&since=\d+/);
  assert.deepEqual(JSON.parse((await w.berth(['cost', '--json'])).stdout), view);
  assert.equal((await w.berth(['cost', '--by', 'moon'])).code, 2);
});

test('machines that are stuck are listed with why, since when, how often it was tried and when again', async () => {
  await using server = await startFakeServer();
  await using w = await world(server.url);
  const now = Date.now();
  const stuck = {
    what: 'cannot be terminated',
    why: 'the key is wrong',
    since: now - 3_600_500,
    attempts: 9,
    next_attempt_at: now + 600_000,
  };
  server.on(`GET ${P}/instances`, json([instanceView({ status: 'terminating', stuck })]));
  const { stdout } = await w.berth(['instance', 'list', '--stuck']);
  assert.match(stdout, /my-fleet-0 +terminating .*cannot be terminated: the key is wrong +1h +9 +(10 m|9 m \d+ s)\n/);
  assert.match(String(server.seen.at(-1)?.query), /stuck=true/);
  server.on(`GET ${P}/instances`, json([]));
  assert.equal((await w.berth(['instance', 'list', '--stuck'])).stdout, 'There is no instance that is stuck.\n');
});
