import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ConformanceReport } from '@berth/core/backend-tool';
import { machineName, ownerTags } from '../machine-name.ts';
import { configureBackend } from '../registry.ts';
import { simBackend } from '../sim/sim-backend.ts';
import { SIM_KEY, type SimCloud } from '../sim/sim-cloud.ts';
import { checkConformance } from './check-conformance.ts';
import { Journal } from './journal.ts';
import type { LiveAccount } from './live-account.ts';
import { Purse } from './purse.ts';
import { removeLeftovers } from './remove-leftovers.ts';
import { chosenRules } from './rules.ts';
import { simCloudOf } from './testing/sim-fake.ts';

const INSTALLATION = 'c0ffee000001';
const ENTRY = {
  name: 'sim',
  type: 'sim',
  config: {},
  credentials: { kind: 'api_key', value: { api_key: SIM_KEY } },
};

async function setup(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'berth-live-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const cloud = simCloudOf();
  // Lists and ends take a while, as on a real account.
  Object.assign(cloud.times, { boot: 30, terminate: 30, visible: 20 });
  const definition = simBackend(cloud, { listLagMs: 100, provisioningTimeoutMs: 60_000 });
  const check = async (
    how: { readonly maxSpend?: number; readonly rules?: readonly string[]; readonly signal?: AbortSignal } = {},
  ): Promise<ConformanceReport> => {
    const journal = await Journal.begin(join(dir, 'checks'), { type: 'sim', backend: 'sim' });
    const purse = new Purse({ maxSpend: how.maxSpend ?? 1_000, maxTimeMs: 60_000, now: Date.now });
    const live: LiveAccount = { entry: ENTRY, offers: null, installation: INSTALLATION, purse, journal };
    const report = await checkConformance({
      definition,
      module: null,
      preload: null,
      otherTypes: [],
      dir: join(dir, 'run'),
      fake: null,
      proxies: [],
      live,
      fakeProblem: null,
      signal: how.signal ?? new AbortController().signal,
      rules: chosenRules(how.rules ?? []),
      told: () => {},
      pace: { pollMs: 10, patienceMs: 3_000, cleanMs: 5_000 },
    });
    await journal.end();
    return report;
  };
  const journals = (): Promise<readonly string[]> => readdir(join(dir, 'checks'));
  return { dir, cloud, definition, check, journals };
}

const alive = (cloud: SimCloud): readonly string[] => cloud.alive.map(({ name }) => name);

test('a real account shows what it can, and nothing is left of it', async (t) => {
  const { cloud, check, journals } = await setup(t);
  const report = await check({ rules: ['C1', 'C2', 'C3', 'C4', 'C17', 'C21', 'W1', 'W2', 'W4', 'W6'] });
  const wrong = report.results.filter(({ outcome }) => outcome === 'failed');
  assert.deepEqual(
    wrong.map(({ id, failures }) => [id, failures[0]?.expected, failures[0]?.came]),
    [],
  );
  assert.equal(report.against, 'account');
  assert.ok(report.passed >= 15, `${report.passed} passed`);
  assert.ok(report.results.some(({ id, reason }) => id === 'C3.2' && reason?.includes('only a fake')));
  assert.deepEqual(alive(cloud), []);
  assert.deepEqual(await journals(), [], 'a journal that names nothing any more is removed');
});

test('no machine is made that could exceed the limit of spending', async (t) => {
  const { cloud, check } = await setup(t);
  // The cheapest machine on demand costs a dollar for the hour that is assumed.
  const report = await check({ maxSpend: 2.5, rules: ['C1', 'C2', 'C4'] });
  assert.equal(report.spent, 2);
  assert.equal(cloud.machines().length, 2);
  assert.ok(report.ok);
  assert.ok(report.results.some(({ reason }) => reason?.includes('--max-spend $2.50')));
});

test('what was made is removed when the check is interrupted, also what nobody had answered for', async (t) => {
  const { cloud, check, journals } = await setup(t);
  const controller = new AbortController();
  cloud.latency.create = 50;
  const running = check({ signal: controller.signal, rules: ['C2.2', 'C2.1', 'W1'] });
  while (cloud.count('create') === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  controller.abort();
  const report = await running;
  assert.deepEqual([report.passed, report.failed, report.skipped], [0, 0, 3]);
  assert.equal(cloud.parts.networks.size, 0);
  assert.deepEqual(alive(cloud), []);
  assert.deepEqual(await journals(), []);
});

test('a check that was killed left a journal, and what is in it or listed is removed, and nothing else', async (t) => {
  const { dir, cloud, definition, journals } = await setup(t);
  const checks = join(dir, 'checks');
  const killed = await Journal.begin(checks, { type: 'sim', backend: 'sim' });
  const [offer] = cloud.offers;
  assert.ok(offer);
  const made = (installation: string, token: string) =>
    cloud.make({
      clientToken: token,
      name: machineName(installation, token),
      tags: ownerTags({ installation, token, instance: 'i' }),
      offer,
    });
  const answered = made(INSTALLATION, 'answered');
  await killed.willMake({ token: 'answered', name: answered.name, offer });
  await killed.made('answered', answered.cloudId);
  await killed.willShare('r1');
  const { cloudId: network } = cloud.parts.addNetwork({
    clientToken: null,
    name: `berth-${INSTALLATION}`,
    tags: {},
    region: 'r1',
  });
  await killed.willMake({ token: 'unanswered', name: machineName(INSTALLATION, 'unanswered'), offer });
  made(INSTALLATION, 'unanswered');
  made(INSTALLATION, 'forgotten');
  const theirs = cloud.make({ clientToken: null, name: 'theirs', tags: {}, offer: { ...offer, region: 'r9' } });
  const backend = await configureBackend(
    definition,
    ENTRY,
    {
      installation: INSTALLATION,
      stateDir: join(dir, 'state'),
      clock: { now: Date.now },
      random: (length) => crypto.getRandomValues(new Uint8Array(length)),
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    },
    new AbortController().signal,
  );
  const removed = await removeLeftovers({
    dir: checks,
    type: 'sim',
    backend,
    listLagMs: 100,
    signal: new AbortController().signal,
    progress: () => {},
  });
  assert.deepEqual(removed.map((name) => name.split('-').at(-1)).sort(), ['answered', 'forgotten', 'unanswered']);
  assert.deepEqual(alive(cloud), [theirs.name]);
  assert.ok(!cloud.parts.networks.has(network), 'the network of its machines is removed');
  assert.deepEqual(await journals(), []);
});
