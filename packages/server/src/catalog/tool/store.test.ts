import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineBackend, offline } from '@berth/backend';
import { type CollectedOffer, encodeSnapshot, loadCached, starterOffers } from '@berth/catalog';
import { z } from 'zod';
import { collectSources } from './collect.ts';
import { Workshop } from './workshop.ts';

const OFFER: CollectedOffer = {
  instanceType: 'host-1',
  region: 'somewhere',
  capacityType: 'on-demand',
  pricePerHour: 1.9,
  cpus: 16,
  memoryMiB: 64 * 1024,
};

function workshopAt(home: string, warnings: string[] = []): Workshop {
  const { signal } = new AbortController();
  const warn = (text: string) => void warnings.push(text);
  return new Workshop({ home, env: {}, cwd: home, signal, progress: () => {}, warn });
}

function home(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'berth-store-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return join(root, 'home');
}

function source(name: string, collectedAt: number) {
  const offers = starterOffers().filter(({ backend }) => backend === 'lambda');
  const snapshot = encodeSnapshot(offers, { source: name, collectedAt });
  return { name, ok: true, snapshot, offers: offers.length, collectedAt } as const;
}

function selling(workshop: Workshop, collect: () => AsyncIterable<CollectedOffer>): void {
  const definition = defineBackend({
    type: 'bazaar',
    title: 'Bazaar',
    kind: 'container',
    credentials: { default: z.strictObject({}) },
    config: z.strictObject({}),
    catalog: offline<unknown>({ credentials: 'none', rules: [], collect }),
  });
  workshop.definitions = async () => [definition];
}

test('two tools that keep something at once both do', async (t) => {
  const at = home(t);
  const names = ['one', 'two', 'three'];
  await Promise.all(names.map((name) => workshopAt(at).store([source(name, 1000)])));
  const { sources } = await loadCached(workshopAt(at).places.collected, 'unsigned');
  assert.deepEqual(sources.map(({ name }) => name).sort(), names.toSorted());
});

test('what is kept lies where only its owner may write, whatever the umask', async (t) => {
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const workshop = workshopAt(home(t));
  await workshop.store([source('one', 1000)]);
  assert.equal(statSync(workshop.home.catalog).mode & 0o777, 0o700);
});

test('a source whose offers are not kept is not told as collected', async (t) => {
  const workshop = workshopAt(home(t));
  selling(workshop, async function* () {
    await sleep(5);
    await workshop.store([source('bazaar', Date.now())]); // as another tool that was faster
    yield OFFER;
  });
  const [report] = await collectSources(workshop, ['bazaar']);
  assert.equal(report?.ok, false);
  assert.match(report?.complaints[0]?.message ?? '', /not kept: it was collected before/);
});

test('a list whose prices all became a tenth keeps the last good version, until a person accepts it', async (t) => {
  const at = home(t);
  const sold = async (cents: number, options = {}) => {
    await sleep(2); // versions are told apart by the millisecond
    const workshop = workshopAt(at);
    selling(workshop, async function* () {
      for (let host = 0; host < 30; host++) yield { ...OFFER, instanceType: `host-${host}`, pricePerHour: cents / 100 };
    });
    const [report] = await collectSources(workshop, ['bazaar'], options);
    const kept = (await workshopAt(at).catalog()).query({ backends: ['bazaar'], limit: 1 }).offers[0]?.pricePerHour;
    return { ok: report?.ok, kept, complaint: report?.complaints[0]?.message ?? '' };
  };
  assert.equal((await sold(190)).ok, true);
  const refused = await sold(19);
  assert.deepEqual([refused.ok, refused.kept], [false, 1.9]);
  assert.match(refused.complaint, /30 of 30 prices are several times cheaper/);
  const accepted = await sold(19, { acceptMovedList: true });
  assert.deepEqual([accepted.ok, accepted.kept], [true, 0.19]);
});

test('a failure that cannot be written down is told all the same', async (t) => {
  const at = home(t);
  mkdirSync(join(at, 'catalog'), { recursive: true });
  writeFileSync(join(at, 'catalog', 'collected'), 'a file');
  const warnings: string[] = [];
  const workshop = workshopAt(at, warnings);
  selling(workshop, async function* () {
    yield OFFER;
    throw new Error('page 7 is missing');
  });
  const [report] = await collectSources(workshop, ['bazaar']);
  assert.match(report?.complaints[0]?.message ?? '', /page 7 is missing/);
  assert.match(warnings.join('\n'), /bazaar: /);
});

test('what is damaged of the catalog is told', async (t) => {
  const at = home(t);
  const first = workshopAt(at);
  await first.store([source('one', 1000)]);
  writeFileSync(join(first.places.collected, 'v1', 'latest.json'), 'spoilt');
  const warnings: string[] = [];
  await workshopAt(at, warnings).catalog();
  assert.match(warnings.join('\n'), /a part of the catalog is damaged: .*latest\.json/);
});
