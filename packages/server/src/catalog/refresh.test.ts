import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { directoryTarget, encodeSnapshot, loadCached, publish, starterOffers } from '@berth/catalog';
import { NO_FILE } from '../config/server-config.ts';
import { catalogPlaces, pulledPlaces } from './places.ts';
import { type RefreshJob, RefreshSchedule, type RefreshScheduleOptions, runInThread } from './refresh.ts';

const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };

function schedule(t: TestContext, options: Partial<RefreshScheduleOptions>): RefreshSchedule {
  const clock = { now: () => Date.now() };
  const made = new RefreshSchedule({ home: '/nowhere', log, clock, random: () => 0.5, firstAfterMs: 5, ...options });
  t.after(() => made.close());
  return made;
}

test('without an address and without sources nothing is ever done', async (t) => {
  let ran = 0;
  const idle = schedule(t, {
    run: async () => {
      ran++;
      return { problems: [] };
    },
  });
  idle.set(NO_FILE.catalog);
  idle.set({ ...NO_FILE.catalog, urls: ['https://a.example'], refreshMs: null });
  await sleep(40);
  assert.equal(ran, 0);
  assert.deepEqual(idle.times, { refreshedAt: null, nextRefreshAt: null });
});

test('it is done soon and then again and again, one at a time, also after a failure', async (t) => {
  const jobs: RefreshJob[] = [];
  let running = 0;
  const busy = schedule(t, {
    run: async (job) => {
      assert.equal(++running, 1);
      jobs.push(job);
      await sleep(5);
      running--;
      if (jobs.length === 1) throw new Error('no network');
      return { problems: [] };
    },
  });
  busy.set({ ...NO_FILE.catalog, urls: ['https://a.example'], collect: ['aws'], refreshMs: 5 });
  while (jobs.length < 3) await sleep(5);
  assert.deepEqual(jobs[0], { home: '/nowhere', pull: true, collect: ['aws'] });
  assert.ok(busy.times.refreshedAt !== null);
});

test('closing ends what runs', async () => {
  let aborted = false;
  const hanging = new RefreshSchedule({
    home: '/nowhere',
    log,
    clock: { now: () => Date.now() },
    firstAfterMs: 0,
    run: (_job, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(signal.reason);
        });
      }),
  });
  hanging.set({ ...NO_FILE.catalog, collect: ['aws'] });
  await sleep(20);
  await hanging.close();
  assert.ok(aborted);
});

test('an interval that is longer than a timer can hold does not go off at once', async (t) => {
  let ran = 0;
  const patient = schedule(t, {
    firstAfterMs: 60 * 24 * 60 * 60_000,
    run: async () => {
      ran++;
      return { problems: [] };
    },
  });
  patient.set({ ...NO_FILE.catalog, collect: ['aws'] });
  await sleep(40);
  assert.equal(ran, 0);
});

test('a thread that does not end is ended, and the next one may run', async () => {
  const { signal } = new AbortController();
  const job = { home: '/nowhere', pull: false, collect: ['nope'] };
  await assert.rejects(runInThread(job, signal, 1), /was not done within 0.001 s/);
});

test('a source that is mistyped costs the others nothing', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'berth-refresh-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const job = { home, pull: false, collect: ['nope', 'lambda'] };
  const { problems } = await runInThread(job, new AbortController().signal);
  assert.equal(problems.length, 2);
  assert.match(problems[0] ?? '', /no source `nope`/);
  assert.match(problems[1] ?? '', /^lambda: .*account/, 'it was tried, and nobody gave it a key');
});

test('the thread pulls what config.yml names, and tells what it could not do', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'berth-refresh-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const home = join(root, 'home');
  mkdirSync(join(home, 'server'), { recursive: true });
  const prices = join(root, 'prices');
  const now = () => Date.now();
  const { signal } = new AbortController();
  const offers = starterOffers().filter(({ backend }) => backend === 'lambda');
  const snapshot = encodeSnapshot(offers, { source: 'lambda', collectedAt: now() });
  await publish({ target: directoryTarget(prices, now), signer: null, now, signal }, [
    { name: 'lambda', ok: true, snapshot, offers: offers.length, collectedAt: now() },
  ]);
  writeFileSync(join(home, 'server', 'config.yml'), `catalog: { url: ["file://${prices}", "file://${root}/none"] }\n`);
  const { problems } = await runInThread({ home, pull: true, collect: ['nope'] }, signal);
  assert.equal(problems.length, 2, problems.join('\n'));
  assert.match(problems[0] ?? '', /none/);
  assert.match(problems[1] ?? '', /no source `nope`/);
  const places = await pulledPlaces(catalogPlaces(join(home, 'catalog')));
  const found = await Promise.all(places.map(({ dir, trust }) => loadCached(dir, trust)));
  assert.deepEqual(
    found.flatMap(({ sources }) => sources.map(({ name, published }) => [name, published.offers])),
    [['lambda', offers.length]],
  );
});
