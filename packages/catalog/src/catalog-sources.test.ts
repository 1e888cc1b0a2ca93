import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '@berth/core/errors';
import { Catalog, type OnlineSource } from './catalog.ts';
import type { CatalogOffer } from './catalog-offer.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';
import { testOffer } from './testing/offers.ts';

const HOUR = 3_600_000;
const START = 1_700_000_000_000;

function clock(): { now: () => number; pass: (ms: number) => void } {
  let time = START;
  return { now: () => time, pass };
  function pass(ms: number): void {
    time += ms;
  }
}

const snapshotOf = (source: string, offers: readonly CatalogOffer[], collectedAt = START) =>
  decodeSnapshot(encodeSnapshot(offers, { source, collectedAt }));
const offline = { kind: 'offline', version: '1', staleAfterMs: 2 * HOUR } as const;
const prices = (offers: readonly CatalogOffer[]) =>
  offers.map(({ backend, pricePerHour }) => `${backend} ${pricePerHour}`);

/** Answers that the test gives, one a call. */
function onlineSource(
  answers: readonly (() => Promise<readonly CatalogOffer[]>)[],
  facts: Partial<OnlineSource> = {},
): OnlineSource & { readonly calls: () => number } {
  let calls = 0;
  return {
    name: 'vastai',
    backends: ['vastai'],
    cacheForMs: 60_000,
    deadlineMs: 1000,
    collect: () => (answers[calls++] ?? (() => Promise.reject(new Error('no more answers'))))(),
    calls: () => calls,
    ...facts,
  };
}
const selling = (pricePerHour: number) => async () => [testOffer({ backend: 'vastai', pricePerHour })];

test('a source is fresh until it is older than its limit, and then stale, with the reason why there is no newer one', () => {
  const time = clock();
  const catalog = new Catalog({ now: time.now });
  catalog.replace('aws', snapshotOf('aws', [testOffer()]), offline);
  assert.equal(catalog.query({}).sources[0]?.state, 'fresh');
  catalog.failed('aws', 'The server answered 503.');
  assert.equal(catalog.query({}).sources[0]?.state, 'fresh', 'what it has is not old yet');
  time.pass(3 * HOUR);
  const answer = catalog.query({});
  assert.deepEqual(answer.sources, [
    {
      source: 'aws',
      kind: 'offline',
      version: '1',
      offers: 1,
      state: 'stale',
      collectedAt: START,
      reason: 'The server answered 503.',
    },
  ]);
  assert.equal(answer.total, 1, 'old offers are shown');
  catalog.replace('aws', snapshotOf('aws', [testOffer()], time.now()), { ...offline, version: '2' });
  assert.equal(catalog.query({}).sources[0]?.state, 'fresh');
});

test('a source that never came is failed, and the others answer', () => {
  const catalog = new Catalog({ now: clock().now });
  catalog.failed('gcp', 'It answered HTML.');
  catalog.replace('aws', snapshotOf('aws', [testOffer()]), offline);
  const { total, sources } = catalog.query({});
  assert.equal(total, 1);
  assert.deepEqual(
    sources.map(({ source, state }) => [source, state]),
    [
      ['aws', 'fresh'],
      ['gcp', 'failed'],
    ],
  );
});

test('a source whose backends the filter does not want is skipped, and says so', () => {
  const catalog = new Catalog({ now: clock().now });
  catalog.replace('aws', snapshotOf('aws', [testOffer()]), offline);
  catalog.replace('gcp', snapshotOf('gcp', [testOffer({ backend: 'gcp' })]), offline);
  const { total, sources } = catalog.query({ backends: ['GCP'] });
  assert.equal(total, 1);
  assert.deepEqual(
    sources.map(({ source, state }) => [source, state]),
    [
      ['aws', 'skipped'],
      ['gcp', 'fresh'],
    ],
  );
});

test('the starter counts only for backends that no other source has', () => {
  const catalog = new Catalog({ now: clock().now });
  const starter = snapshotOf('starter', [
    testOffer({ backend: 'aws', pricePerHour: 0.5 }),
    testOffer({ backend: 'gcp', pricePerHour: 0.7 }),
  ]);
  catalog.replace('starter', starter, { ...offline, kind: 'starter' });
  assert.deepEqual(prices(catalog.query({}).offers), ['aws 0.5', 'gcp 0.7']);
  catalog.replace('aws', snapshotOf('aws', [testOffer({ pricePerHour: 2 })]), offline);
  assert.deepEqual(prices(catalog.query({}).offers), ['gcp 0.7', 'aws 2']);
  catalog.replace('gcp', snapshotOf('gcp', [testOffer({ backend: 'gcp', pricePerHour: 3 })]), offline);
  const answer = catalog.query({});
  assert.deepEqual(prices(answer.offers), ['aws 2', 'gcp 3']);
  assert.equal(answer.sources.find(({ source }) => source === 'starter')?.state, 'skipped');
});

test('an online source is asked once by all who wait, and its answer is kept for a while', async () => {
  const time = clock();
  const source = onlineSource([selling(1), selling(2)]);
  const catalog = new Catalog({ now: time.now, online: [source] });
  assert.equal(catalog.query({}).total, 0, 'without waiting there is nothing yet');
  const answers = await Promise.all([catalog.queryAll({}), catalog.queryAll({}), catalog.queryAll({})]);
  assert.deepEqual(
    answers.map(({ total }) => total),
    [1, 1, 1],
  );
  assert.equal(source.calls(), 1);
  time.pass(59_000);
  await catalog.queryAll({});
  assert.equal(source.calls(), 1, 'kept');
  time.pass(2000);
  assert.deepEqual(prices((await catalog.queryAll({})).offers), ['vastai 2']);
  assert.equal(source.calls(), 2);
});

test('a clock that was set back makes no old answer good for years', async () => {
  const time = clock();
  const source = onlineSource([selling(1), () => Promise.reject(new Error('503')), selling(3)]);
  const catalog = new Catalog({ now: time.now, online: [source] });
  await catalog.queryAll({});
  time.pass(-365 * 24 * 60 * 60_000);
  await catalog.queryAll({});
  assert.equal(source.calls(), 2, 'the answer');
  time.pass(-60_000);
  await catalog.queryAll({});
  assert.equal(source.calls(), 3, 'and the failure');
});

test('a query that wants other backends does not ask an online source', async () => {
  const source = onlineSource([selling(1)]);
  const catalog = new Catalog({ now: clock().now, online: [source] });
  const { sources } = await catalog.queryAll({ backends: ['aws'] });
  assert.equal(source.calls(), 0);
  assert.equal(sources[0]?.state, 'skipped');
});

test('an online source that fails keeps its last answer, says why, and is not asked again at once', async () => {
  const time = clock();
  const source = onlineSource([selling(1), () => Promise.reject(new Error('503')), selling(3)]);
  const catalog = new Catalog({ now: time.now, online: [source] });
  await catalog.queryAll({});
  time.pass(61_000);
  const failed = await catalog.queryAll({});
  assert.deepEqual(prices(failed.offers), ['vastai 1']);
  assert.deepEqual(failed.sources[0], {
    source: 'vastai',
    kind: 'online',
    version: null,
    offers: 1,
    state: 'stale',
    collectedAt: START,
    reason: '503',
  });
  await catalog.queryAll({});
  assert.equal(source.calls(), 2);
  time.pass(11_000);
  assert.deepEqual(prices((await catalog.queryAll({})).offers), ['vastai 3']);
});

test('an online source that never answers costs its deadline, and only its own offers', async () => {
  const silent = onlineSource([() => new Promise(() => undefined)], { deadlineMs: 30 });
  const catalog = new Catalog({ now: clock().now, online: [silent] });
  catalog.replace('aws', snapshotOf('aws', [testOffer()]), offline);
  const { total, sources } = await catalog.queryAll({});
  assert.equal(total, 1);
  assert.deepEqual(
    sources.map(({ source, state, ...rest }) => [source, state, 'reason' in rest ? rest.reason : null]),
    [
      ['aws', 'fresh', null],
      ['vastai', 'failed', 'It did not answer within 0.03 s.'],
    ],
  );
});

test('who goes away while an online source is asked does not end it for the others', async () => {
  const source = onlineSource([() => sleep(30).then(selling(1))]);
  const catalog = new Catalog({ now: clock().now, online: [source] });
  const leaving = new AbortController();
  const left = catalog.queryAll({}, { signal: leaving.signal });
  const stayed = catalog.queryAll({});
  leaving.abort(new Error('gone'));
  await assert.rejects(left, /gone/);
  assert.equal((await stayed).total, 1);
});

test('an online source that lists what cannot be is a failed one, not a crash', async () => {
  const source = onlineSource([async () => [{ ...testOffer(), pricePerHour: Number.NaN }]]);
  const catalog = new Catalog({ now: clock().now, online: [source] });
  const [status] = (await catalog.queryAll({})).sources;
  assert.equal(status?.state, 'failed');
  assert.match(status.reason, /a price of NaN/);
});

test('two sources of one name are refused', () => {
  const catalog = new Catalog({ now: clock().now, online: [onlineSource([])] });
  assert.throws(() => catalog.replace('vastai', snapshotOf('vastai', []), offline), BerthError);
});
