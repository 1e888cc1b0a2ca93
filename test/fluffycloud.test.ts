/** Runs on FluffyCloud through the real command line, server and SSH: used, used again, given back, and never lost. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { requirePart } from '@berth/agent/testing/parts';
import { OWNER_TAG, TOKEN_TAG } from '@berth/backend';
import type { InstanceView, RunView, SweepView } from '@berth/core/api-schemas';
import { type FluffyCloud, startFluffyCloud } from '../examples/fluffycloud/start.ts';
import { Home, until } from './home.ts';

type Options = Parameters<typeof startFluffyCloud>[0];

/** A cloud, and a server whose config.yml names it. Both end with the test, the cloud with all its machines. */
async function world(t: TestContext, options: Options): Promise<{ cloud: FluffyCloud; home: Home; key: string }> {
  const cloud = await startFluffyCloud({ bootMs: 50, stopMs: 20, ...options });
  const home = new Home();
  t.after(async () => {
    await home[Symbol.asyncDispose]();
    await cloud.close();
  });
  const key = cloud.createKey();
  const backend = { type: 'fluffycloud', api_url: cloud.url, creds: { type: 'api_key', api_key: key } };
  const config = { projects: [{ name: 'main', backends: [backend] }], catalog: { online: false } };
  mkdirSync(join(home.dir, 'server'), { mode: 0o700 });
  writeFileSync(join(home.dir, 'server', 'config.yml'), JSON.stringify(config), { mode: 0o600 });
  return { cloud, home, key };
}

const task = (name: string, idle: string, ...commands: string[]): string =>
  JSON.stringify({
    type: 'task',
    name,
    backends: ['fluffycloud'],
    idle_duration: idle,
    commands,
    resources: { cpu: '1..', memory: '512MB..', disk: '1GB..' },
  });

async function apply(home: Home, configuration: string, ...words: string[]) {
  return await home.berth(['apply', '-y', '-f', '-', ...words], { stdin: configuration });
}

/** What costs something now. */
async function billed(cloud: FluffyCloud): Promise<string[]> {
  return (await cloud.machines()).filter((one) => one.billed !== 'none').map((one) => one.instance_id);
}

const nothingBilled = async (cloud: FluffyCloud, limitMs?: number): Promise<void> =>
  await until(async () => (await cloud.machines()).length === 0, 'nothing exists and nothing is billed', limitMs);

test('a job runs on a machine of its own, the next one on the same, and idle_duration gives it back', async (t) => {
  const { cloud, home } = await world(t, { machines: 'process' });
  const first = await apply(home, task('one', '2s', 'echo "in $HOME"', 'exit 3'));
  assert.equal(first.code, 3, first.seen);
  assert.match(first.stdout.toString(), new RegExp(`^in ${cloud.dataDir}/machines/fi-[0-9a-f]+/home\n$`));
  const second = await apply(home, task('two', '2s', 'echo "in $HOME"'));
  assert.equal(second.code, 0, second.seen);
  assert.equal(second.stdout.toString(), first.stdout.toString());
  assert.equal(cloud.faultReport().calls['launch'], 1);
  assert.equal((await billed(cloud)).length, 1);
  await nothingBilled(cloud);
  const books = () => home.json<readonly InstanceView[]>(['instance', 'list']);
  await until(async () => (await books()).length === 0, 'the books know it too');
});

test('the server dies while it launches and the answer is lost: one machine, one run, nothing left', async (t) => {
  const { cloud, home } = await world(t, { machines: 'process' });
  assert.equal((await home.berth(['offer', '--backend', 'fluffycloud'])).code, 0);
  // The machine is made, nobody is told; the second attempt hangs, and that is when the server dies.
  cloud.faults({ kind: 'drop-answer', operation: 'launch' }, { kind: 'hang', operation: 'launch', times: 9 });
  const applied = await apply(home, task('survivor', '2s', 'echo done'), '-d');
  assert.equal(applied.code, 0, applied.seen);
  await until(() => (cloud.faultReport().calls['launch'] ?? 0) >= 2, 'the launch is repeated');
  assert.equal((await billed(cloud)).length, 1);
  await home.killServer();
  cloud.disarm();
  const status = async () => (await home.json<RunView>(['run', 'get', 'survivor'])).status;
  await until(async () => (await status()) === 'done', 'the run is done', 60_000);
  assert.equal((await cloud.machines({ all: true })).length, 1, 'no second machine was ever made');
  await nothingBilled(cloud);
});

test('a delete that the cloud ignores is repeated until the machine is gone', async (t) => {
  const { cloud, home } = await world(t, { machines: 'process' });
  cloud.faults({ kind: 'ignore', operation: 'terminate', times: 2 });
  const { code, seen } = await apply(home, task('one', '1s', 'true'));
  assert.equal(code, 0, seen);
  await until(() => (cloud.faultReport().calls['terminate'] ?? 0) >= 1, 'it is let go');
  assert.equal((await billed(cloud)).length, 1, 'ignored');
  await nothingBilled(cloud, 120_000);
  assert.ok((cloud.faultReport().calls['terminate'] ?? 0) >= 3);
});

test('a machine under our tag that is on no book is found by a sweep; a neighbour is none of ours', async (t) => {
  const { cloud, home, key } = await world(t, { machines: 'process' });
  const applied = await apply(home, task('one', '1h', 'true'));
  assert.equal(applied.code, 0, applied.seen);
  const [ours] = await cloud.machines();
  const installation = ours?.tags[OWNER_TAG] ?? assert.fail('no owner tag');
  const plant = async (name: string, owner: string): Promise<string> => {
    const tags = { [OWNER_TAG]: owner, [TOKEN_TAG]: `planted${name}` };
    const response = await fetch(`${cloud.url}/v1/instances`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name, tags, instance_type: 'puff.small', region: 'south-1' }),
    });
    return ((await response.json()) as { id: string }).id;
  };
  const orphan = await plant('orphan', installation);
  await plant('neighbour', `${installation}0`);
  await until(async () => {
    const { backends } = await home.json<SweepView>(['sweep', '--dry-run']);
    const found = backends.flatMap(({ orphans }) => orphans.map(({ cloud_id: id }) => id));
    if (found.length > 0) assert.deepEqual(found, [orphan]);
    return found.length > 0;
  }, 'the sweep tells of it');
  assert.equal((await billed(cloud)).length, 3, 'nothing is ended before its minimum age');
});

/** A shell and what it is linked with, as an image of the machine's own Docker: there is no registry to pull from. */
const MAKE_IMAGE = [
  'set -e; cd /',
  'libs=$(ldd /bin/sh /bin/cat | grep -o "/lib[^ ]*" | sort -u)',
  'tar -ch bin/sh bin/cat $(echo "$libs" | sed "s|^/||") | docker import - local/tiny',
];

test('machines with Docker inside run a job with an image', async (t) => {
  if (!(await requirePart(t, 'docker'))) return;
  const { cloud, home } = await world(t, { machines: 'docker' });
  const first = await apply(home, task('one', '8s', ...MAKE_IMAGE));
  assert.equal(first.code, 0, first.seen);
  const contained = { ...JSON.parse(task('two', '8s', 'echo "in $(cat /proc/1/comm)"; exit 5')), image: 'local/tiny' };
  const second = await apply(home, JSON.stringify(contained));
  assert.equal(second.code, 5, second.seen);
  assert.equal(cloud.faultReport().calls['launch'], 1, 'the same machine');
  assert.match(second.stdout.toString(), /^in /);
  await nothingBilled(cloud);
});
