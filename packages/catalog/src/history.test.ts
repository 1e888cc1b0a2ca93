import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CatalogOffer } from './catalog-offer.ts';
import { FULL_DETAIL_MS, PriceHistory, seriesId } from './history.ts';
import { DAY_MS } from './history-compact.ts';
import { cheapestOverTime } from './history-query.ts';
import { testOffer } from './testing/offers.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 1);

/** Price of every offer that is sold at a time, by id. */
function pricesAt(history: PriceHistory, time: number): Map<string, number> {
  const prices = new Map<string, number>();
  for (const { at, changes } of history.batches) {
    if (at > time) break;
    for (const [index, price] of changes) {
      const series = history.series[index];
      assert.ok(series);
      if (price === null) prices.delete(seriesId(series));
      else prices.set(seriesId(series), price / 1e6);
    }
  }
  return new Map([...prices].sort());
}

const idsAndPrices = (offers: readonly CatalogOffer[]) =>
  new Map(offers.map(({ id, pricePerHour }) => [id, pricePerHour] as const).sort());

const SHAPES = ['H100:8', 'A100-80GB', 'T4:0.5', 'Frob 9000', undefined].flatMap((gpu) =>
  [null, 'us-east-1a'].map((zone) => ({ ...(gpu !== undefined && { gpu }), zone })),
);

/** One version: of each shape its price in cents, or none. */
const versions = (most: number) =>
  fc.array(
    fc.array(fc.option(fc.integer({ min: 1, max: 5_000 })), { minLength: SHAPES.length, maxLength: SHAPES.length }),
    {
      maxLength: most,
    },
  );

function offersOf(cents: readonly (number | null)[]): CatalogOffer[] {
  return cents.flatMap((cent, i) => (cent === null ? [] : [testOffer({ ...SHAPES[i], pricePerHour: cent / 100 })]));
}

describe('a price history', () => {
  it('has every version that was recorded, also when it was written and read in between', () => {
    fc.assert(
      fc.property(versions(8), fc.boolean(), (all, reread) => {
        let history = PriceHistory.empty();
        all.forEach((version, hour) => {
          history.record(offersOf(version), START + hour * HOUR);
          if (reread) history = PriceHistory.read(history.bytes()).history;
        });
        const { history: read, cut } = PriceHistory.read(history.bytes());
        assert.equal(cut, null);
        all.forEach((version, hour) => {
          assert.deepEqual(pricesAt(read, START + hour * HOUR), idsAndPrices(offersOf(version)));
        });
      }),
    );
  });

  it('grows only by what has changed, and never goes back in time', () => {
    const history = PriceHistory.empty();
    const offers = [testOffer({ gpu: 'T4' }), testOffer({ gpu: 'A10' })];
    assert.equal(history.record(offers, START), 2);
    const bytes = Uint8Array.from(history.bytes());
    assert.equal(history.record(offers, START + HOUR), 0);
    assert.deepEqual(Uint8Array.from(history.bytes()), bytes);
    assert.equal(history.record(offers.slice(1), START + 2 * HOUR), 1);
    assert.equal(history.record(offers, START + HOUR), 0);
    assert.equal(history.record(offers, START + 3 * HOUR), 1);
    assert.equal(history.changes, 4);
  });

  it('with a torn or damaged end keeps what comes before, and says what was cut', () => {
    const history = PriceHistory.empty();
    const good: Uint8Array[] = [];
    for (let hour = 0; hour < 5; hour++) {
      history.record(offersOf(SHAPES.map((_, i) => 100 + i + hour)), START + hour * HOUR);
      good.push(Uint8Array.from(history.bytes()));
    }
    const whole = good.at(-1) ?? new Uint8Array();
    for (let length = 8; length < whole.length; length++) {
      const { history: read, cut } = PriceHistory.read(whole.subarray(0, length));
      const versionsLeft = good.filter((bytes) => bytes.length <= length).length;
      assert.equal(read.batches.length, versionsLeft);
      const goodBytes = good[versionsLeft - 1]?.length ?? 8;
      assert.equal(cut?.bytes ?? 0, length - goodBytes);
    }
    for (let at = 8; at < whole.length; at++) {
      const damaged = Uint8Array.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      const { history: read, cut } = PriceHistory.read(damaged);
      assert.ok(cut !== null && read.batches.length < 5);
      assert.deepEqual(read.batches, history.batches.slice(0, read.batches.length));
    }
  });

  it('is read from anything without harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        const { history, cut } = PriceHistory.read(Buffer.concat([Buffer.from('BERTHHS1'), noise]));
        assert.ok(history.batches.length === 0 || cut !== null || noise.length > 0);
        PriceHistory.read(noise);
      }),
    );
  });

  it('compacted, keeps 90 days as they were, and of older days the lowest price', () => {
    const hours = fc.array(fc.integer({ min: 0, max: 140 * 24 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(hours, versions(30), (times, all) => {
        const history = PriceHistory.empty();
        const sorted = [...new Set(times)].sort((a, b) => a - b);
        for (const [i, version] of all.entries()) {
          history.record(offersOf(version), START + (sorted[i] ?? 0) * HOUR);
        }
        const now = START + 140 * DAY_MS;
        const { history: compacted } = PriceHistory.read(history.compacted(now).bytes());
        const detailFrom = now - FULL_DETAIL_MS;
        for (const hour of sorted) {
          const at = START + hour * HOUR;
          if (at >= detailFrom) assert.deepEqual(pricesAt(compacted, at), pricesAt(history, at));
        }
        for (let day = START; day < detailFrom; day += DAY_MS) {
          const lowest = new Map<string, number>();
          for (const at of [day, ...sorted.map((hour) => START + hour * HOUR)]) {
            if (at < day || at >= day + DAY_MS) continue;
            for (const [id, price] of pricesAt(history, at)) lowest.set(id, Math.min(price, lowest.get(id) ?? price));
          }
          assert.deepEqual(pricesAt(compacted, day + DAY_MS - 1), new Map([...lowest].sort()));
        }
        assert.deepEqual(compacted.compacted(now).batches, compacted.batches);
      }),
      { numRuns: 50 },
    );
  });

  it('published again and again: made, added to, cut after a crash, compacted when it is due', () => {
    let published: Uint8Array = new Uint8Array();
    /** As a collection does it: continues what was published last. Says what had to be cut. */
    const publish = (cents: number, at: number, now = at) => {
      const { history, cut } = PriceHistory.read(published);
      history.record(offersOf(SHAPES.map(() => cents)), at);
      published = history.publishedBytes(now);
      return cut;
    };
    const timesIn = (unit: number) => PriceHistory.read(published).history.batches.map(({ at }) => (at - START) / unit);
    publish(100, START);
    const first = published;
    publish(200, START + HOUR);
    const second = published;
    assert.ok(second.length > first.length && Buffer.compare(second.subarray(0, first.length), first) === 0);
    published = second.subarray(0, second.length - 3);
    assert.deepEqual(publish(300, START + 2 * HOUR), {
      bytes: second.length - 3 - first.length,
      reason: 'the last record is not whole',
    });
    assert.equal(publish(50, START + 5 * HOUR), null);
    assert.deepEqual(timesIn(HOUR), [0, 2, 5]);
    publish(40, START + 6 * HOUR, START + FULL_DETAIL_MS + 7 * DAY_MS);
    assert.deepEqual(timesIn(HOUR), [0, 2, 5, 6], 'not due in the first week');
    publish(60, START + 200 * DAY_MS);
    assert.deepEqual(timesIn(DAY_MS), [0, 200]);
    published = Buffer.from('something else');
    assert.equal(publish(1, START)?.reason, 'it is no price history');
    assert.deepEqual(timesIn(HOUR), [0]);
  });

  it('takes few bytes per change', (t) => {
    const history = PriceHistory.empty();
    // A cloud of 20,000 offers in 25 regions, of which a fiftieth changes its spot price every hour.
    const prices = Array.from({ length: 20_000 }, (_, i) => 1 + ((i * 7919) % 3000) / 100);
    const offers = prices.map((pricePerHour, i) =>
      testOffer({ instanceType: `type-${i % 800}`, region: `region-${Math.floor(i / 800)}`, pricePerHour }),
    );
    history.record(offers, START);
    const first = history.bytes().length;
    let changes = 0;
    for (let hour = 1; hour <= 48; hour++) {
      for (let i = 0; i < 400; i++) {
        const index = (i * 50 + hour * 13) % offers.length;
        const offer = offers[index];
        if (offer === undefined) continue;
        const factor = 1 + (((hour * 31 + i * 17) % 21) - 10) / 100;
        offers[index] = { ...offer, pricePerHour: Number((offer.pricePerHour * factor).toFixed(4)) };
      }
      changes += history.record(offers, START + hour * HOUR);
    }
    const perChange = (history.bytes().length - first) / changes;
    t.diagnostic(`${(first / offers.length).toFixed(1)} bytes per offer at first, ${perChange.toFixed(1)} per change`);
    assert.ok(first / offers.length < 8, `${first / offers.length} bytes per offer at first`);
    assert.ok(perChange < 5, `${perChange} bytes per change`);
  });
});

describe('the cheapest price over time', () => {
  const aws = PriceHistory.empty();
  const gcp = PriceHistory.empty();
  const offer = (backend: string, gpu: string, pricePerHour: number, more = {}) =>
    testOffer({ backend, gpu, pricePerHour, ...more });
  aws.record([offer('aws', 'H100:8', 80), offer('aws', 'H100:1', 12), offer('aws', 'T4', 0.5)], START);
  aws.record([offer('aws', 'H100:8', 80), offer('aws', 'H100:1', 12), offer('aws', 'T4', 0.4)], START + HOUR);
  aws.record([offer('aws', 'H100:1', 12), offer('aws', 'H100:1', 4, { capacityType: 'spot' })], START + 2 * HOUR);
  aws.record([], START + 3 * HOUR);
  gcp.record([offer('gcp', 'H100:8', 72)], START + HOUR);

  const ask = (query: Partial<Parameters<typeof cheapestOverTime>[1]>) =>
    cheapestOverTime([aws, gcp], { accelerator: 'H100', since: START, ...query }).map(
      ({ at, backend, pricePerGpuHour }) => [(at - START) / HOUR, backend, pricePerGpuHour] as const,
    );

  it('steps where the cheapest of a backend changes, and ends where none is sold', () => {
    assert.deepEqual(ask({}), [
      [0, 'aws', 10],
      [1, 'gcp', 9],
      [2, 'aws', 4],
      [3, 'aws', null],
    ]);
  });

  it('is of the count, capacity, memory and backends that are asked for', () => {
    assert.deepEqual(ask({ count: { min: 1, max: 1 }, capacityTypes: ['on-demand'] }), [
      [0, 'aws', 12],
      [3, 'aws', null],
    ]);
    assert.deepEqual(ask({ memoryMiB: 1 }), []);
    assert.deepEqual(ask({ backends: ['gcp'] }), [[1, 'gcp', 9]]);
  });

  it('begins with what held then', () => {
    assert.deepEqual(ask({ since: START + 2.5 * HOUR }), [
      [2.5, 'aws', 4],
      [2.5, 'gcp', 9],
      [3, 'aws', null],
    ]);
  });

  it('names the offer', () => {
    const [step] = cheapestOverTime([aws], { accelerator: 'T4', since: START });
    assert.equal(step?.offer, 'aws/us-east-1/-/gpu.T4/on-demand/T4:16GB:1');
  });
});
