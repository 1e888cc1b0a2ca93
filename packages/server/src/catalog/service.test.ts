import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineBackend, online } from '@berth/backend';
import { type CollectedOffer, directoryTarget, encodeSnapshot, publish, starterOffers } from '@berth/catalog';
import { z } from 'zod';
import { homeAt } from '../config/home.ts';
import { NO_FILE } from '../config/server-config.ts';
import { reload } from './load-catalog.ts';
import { tellChanged } from './places.ts';
import { CatalogService } from './service.ts';

const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };

function bazaar(collect: () => AsyncIterable<CollectedOffer>) {
  return defineBackend({
    type: 'bazaar',
    title: 'Bazaar',
    kind: 'container',
    credentials: { default: z.strictObject({}) },
    config: z.strictObject({}),
    catalog: online<unknown>({ cacheForMs: 60_000, credentials: 'none', rules: [], collect }),
  });
}

const H100: CollectedOffer = {
  instanceType: 'host-1',
  region: 'somewhere',
  capacityType: 'on-demand',
  pricePerHour: 1.9,
  cpus: 16,
  memoryMiB: 64 * 1024,
  accelerator: { label: 'H100', count: 1, memoryMiB: 80 * 1024 },
};

function service(t: TestContext, definition?: ReturnType<typeof bazaar>): { service: CatalogService; root: string } {
  const root = mkdtempSync(join(tmpdir(), 'berth-catalog-'));
  const registry = async () => ({
    types: definition === undefined ? [] : [definition.type],
    definition: (type: string) => (type === definition?.type ? definition : null),
  });
  const clock = { now: () => Date.now() };
  const config = NO_FILE.catalog;
  const made = new CatalogService({ home: homeAt(root), registry, clock, log, env: {}, config, entries: [] });
  t.after(async () => {
    await made.close();
    rmSync(root, { recursive: true, force: true });
  });
  return { service: made, root };
}

test('nothing is read or made before somebody asks', async (t) => {
  const { service: idle, root } = service(t);
  await sleep(20);
  assert.equal(existsSync(join(root, 'catalog')), false);
  assert.ok((await idle.catalog()).count({}) > 0, 'and then the starter answers');
});

test('what another process stores is swapped in without being asked for', async (t) => {
  const { service: watching } = service(t);
  const catalog = await watching.catalog();
  const now = () => Date.now();
  const offers = starterOffers().filter(({ backend }) => backend === 'lambda');
  const snapshot = encodeSnapshot(offers, { source: 'lambda', collectedAt: now() });
  const target = directoryTarget(watching.places.collected, now);
  const { signal } = new AbortController();
  await publish({ target, signer: null, now, signal }, [
    { name: 'lambda', ok: true, snapshot, offers: offers.length, collectedAt: now() },
  ]);
  await tellChanged(watching.places, now());
  for (let tries = 0; catalog.snapshot('lambda') === null && tries < 100; tries++) await sleep(20);
  assert.equal(catalog.snapshot('lambda')?.size, offers.length);
});

test('a damaged file costs its own offers only', async (t) => {
  const { service: damaged, root } = service(t);
  await damaged.catalog();
  writeFileSync(join(root, 'catalog', 'collected'), 'not a folder');
  await tellChanged(damaged.places, Date.now());
  await sleep(150);
  assert.ok((await damaged.catalog()).count({}) > 0);
});

test('a catalog that cannot be read, watched or made leaves the starter, and no question fails', async (t) => {
  const { service: unreadable, root } = service(t);
  writeFileSync(join(root, 'catalog'), 'a file');
  assert.ok((await unreadable.catalog()).count({}) > 0);
  const { service: odd, root: other } = service(t);
  mkdirSync(join(other, 'catalog', 'collected', 'v1', 'latest.json'), { recursive: true });
  assert.ok((await odd.catalog()).count({}) > 0);
});

test('a folder that cannot be read for a while takes nothing out of memory', async (t) => {
  const { service: shaky, root } = service(t);
  const catalog = await shaky.catalog();
  const now = () => Date.now();
  const offers = starterOffers().filter(({ backend }) => backend === 'lambda');
  const snapshot = encodeSnapshot(offers, { source: 'lambda', collectedAt: now() });
  const { signal } = new AbortController();
  await publish({ target: directoryTarget(shaky.places.collected, now), signer: null, now, signal }, [
    { name: 'lambda', ok: true, snapshot, offers: offers.length, collectedAt: now() },
  ]);
  assert.deepEqual(await reload(catalog, shaky.places), []);
  const latest = join(root, 'catalog', 'collected', 'v1', 'latest.json');
  rmSync(latest);
  mkdirSync(latest);
  assert.match((await reload(catalog, shaky.places))[0]?.reason ?? '', /cannot be read/);
  assert.equal(catalog.snapshot('lambda')?.size, offers.length);
});

test('a marketplace that yields for ever leaves the server its turns, and is named', async (t) => {
  const { service: endless } = service(
    t,
    bazaar(async function* () {
      for (;;) yield H100;
    }),
  );
  let turns = 0;
  const ticking = setInterval(() => turns++, 1);
  const catalog = await endless.asked({});
  clearInterval(ticking);
  assert.ok(turns > 20, `${turns} turns`);
  assert.ok(catalog.query({}).total > 0);
});

test('a marketplace is asked when it matters; a backend gets its offers with ids and disks of its own', async (t) => {
  let asked = 0;
  const { service: market } = service(
    t,
    bazaar(async function* () {
      asked++;
      yield H100;
    }),
  );
  await market.asked({ backends: ['aws'] });
  assert.equal(asked, 0, 'a question about others');
  const call = { signal: new AbortController().signal, log };
  const offers = await market.market('bazaar', null, call);
  assert.deepEqual(
    offers.map(({ backend, pricePerHour, resources }) => [backend, pricePerHour, resources.diskMiB]),
    [['bazaar', 1.9, 100 * 1024]],
  );
  await market.market('bazaar', null, call);
  assert.equal(asked, 1, 'the answer is kept');
});

test('a marketplace that hangs is waited for a moment, and named; everybody else answers', async (t) => {
  const { service: slow } = service(
    t,
    bazaar(async function* () {
      await new Promise(() => {});
      yield H100;
    }),
  );
  const started = performance.now();
  const catalog = await slow.asked({});
  assert.ok(performance.now() - started < 3_000);
  const answer = catalog.query({});
  assert.ok(answer.total > 0);
  assert.equal(answer.sources.find(({ source }) => source === 'bazaar')?.state, 'failed');
});
