import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CatalogOffer } from './catalog-offer.ts';
import { blockingReason, checkOffers, Market } from './integrity.ts';
import type { IntegrityRule } from './integrity-rule.ts';
import type { QuarantineRule } from './quarantine.ts';
import { testOffer } from './testing/offers.ts';

const ALONE = { previous: null, market: null };
/** What devices cost at two clouds and a marketplace. */
const MARKET = Market.of([
  ...[3.9, 4.1, 6.9].map((price, index) =>
    testOffer({ backend: `cloud${index}`, gpu: 'H100-80GB', pricePerHour: price }),
  ),
  ...[2.7, 3.4, 1.2].map((price, index) =>
    testOffer({ backend: `cloud${index}`, gpu: 'A100-80GB', pricePerHour: price }),
  ),
  ...[4.6, 6.2].map((price, index) => testOffer({ backend: `cloud${index}`, gpu: 'B200', pricePerHour: price })),
  ...[1.7, 1.9].map((price, index) => testOffer({ backend: `cloud${index}`, gpu: 'T4', pricePerHour: price })),
]);

const rulesOf = (
  offers: CatalogOffer[],
  rules: IntegrityRule[] = [],
  context = ALONE as Parameters<typeof checkOffers>[2],
) => checkOffers(offers, rules, context).quarantined.map(({ rule }) => rule);

describe('an offer by itself', () => {
  const tpu = { gpu: 'v5p-8', region: 'us-east5' };
  const cases: [claim: string, offer: CatalogOffer, rule: QuarantineRule | null, rules?: IntegrityRule[]][] = [
    ['a plain machine passes', testOffer({ pricePerHour: 0.096 }), null],
    ['an H100 for nothing', testOffer({ gpu: 'H100', pricePerHour: 0 }), 'price'],
    ['a negative price', testOffer({ pricePerHour: -1 }), 'price'],
    ['a price that is no number', testOffer({ pricePerHour: Number.NaN }), 'price'],
    ['an endless price', testOffer({ pricePerHour: Number.POSITIVE_INFINITY }), 'price'],
    ['an absurd price', testOffer({ pricePerHour: 123_456 }), 'price'],
    ['TPUs for 700.0', testOffer({ ...tpu, pricePerHour: 700 }), 'sentinel-price'],
    ['TPUs for their price', testOffer({ ...tpu, pricePerHour: 16.8 }), null],
    ['a big machine for 700 that has no TPU', testOffer({ gpu: 'B300:64', pricePerHour: 700 }), null],
    ['a million', testOffer({ pricePerHour: 1e6 }), 'sentinel-price'],
    ['nines', testOffer({ pricePerHour: 99_999.99 }), 'sentinel-price'],
    ['B200 for a cent', testOffer({ gpu: 'B200', pricePerHour: 0.01 }), 'sentinel-price'],
    ['eight A100 for eight cents', testOffer({ gpu: 'A100-80GB:8', pricePerHour: 0.08 }), 'sentinel-price'],
    [
      'B200 for five cents, where nobody else sells it',
      testOffer({ gpu: 'B200', pricePerHour: 0.05 }),
      'sentinel-price',
    ],
    ['a card of 24 GiB for three cents, as hobbyists rent it out', testOffer({ gpu: 'P40', pricePerHour: 0.03 }), null],
    ['an old card for a cent', testOffer({ gpu: 'GTX1060-6GB', pricePerHour: 0.01 }), null],
    [
      'a device that is declared cheap',
      testOffer({ gpu: 'P40', pricePerHour: 0.01 }),
      null,
      [{ rule: 'cheap', accelerators: ['P40'], because: 'hosts give them away' }],
    ],
    ['one device and a half', testOffer({ gpu: 'T4:1.5' }), 'count'],
    ['half a device', testOffer({ gpu: 'T4:0.5' }), 'count'],
    ['half a device where shares are sold', testOffer({ gpu: 'T4:0.5' }), null, [{ rule: 'shares', because: 'vGPU' }]],
    ['a sixth, rounded', testOffer({ gpu: 'A10:0.167' }), null, [{ rule: 'shares', because: 'vGPU' }]],
    ['two fifths of a device', testOffer({ gpu: 'A10:0.4' }), 'count', [{ rule: 'shares', because: 'vGPU' }]],
    ['an A100 with a memory that none has', withMemory(testOffer({ gpu: 'A100-80GB' }), 64), 'memory'],
    ['a device that nobody knows, with any memory', testOffer({ gpu: 'Frob 9000' }), null],
    ['a zone of another region', testOffer({ zone: 'eu-west-1a' }), 'zone'],
    ['a zone of its region', testOffer({ zone: 'us-east-1a' }), null],
    ['a zone in capitals', testOffer({ region: 'eu-stockholm-1', zone: 'EU-STOCKHOLM-1-AD-1' }), null],
    ['a zone of another name, declared', testOffer({ zone: 'use1-az4' }), null, [{ rule: 'free-zone-names' }]],
  ];
  for (const [claim, offer, rule, rules] of cases) {
    it(`${claim}: ${rule ?? 'good'}`, () => assert.deepEqual(rulesOf([offer], rules), rule === null ? [] : [rule]));
  }

  function withMemory(offer: CatalogOffer, gib: number): CatalogOffer {
    assert.ok(offer.accelerator);
    return { ...offer, accelerator: { ...offer.accelerator, memoryMiB: gib * 1024 } };
  }
});

describe('an offer beside the market', () => {
  const cases: [claim: string, offer: CatalogOffer, caught: boolean][] = [
    ['B200 for two cents', testOffer({ gpu: 'B200', pricePerHour: 0.02 }), true],
    [
      'B200 spot for two cents, which nobody else sells as spot',
      testOffer({ gpu: 'B200', capacityType: 'spot', pricePerHour: 0.02 }),
      true,
    ],
    ['eight A100 for sixteen cents', testOffer({ gpu: 'A100-80GB:8', pricePerHour: 0.16 }), true],
    ['an A100 for a third of the median', testOffer({ backend: 'vastai', gpu: 'A100-80GB', pricePerHour: 0.9 }), false],
    [
      'an A100 for a tenth of the median',
      testOffer({ backend: 'vastai', gpu: 'A100-80GB', pricePerHour: 0.27 }),
      false,
    ],
    ['an H100 for sixty times the median', testOffer({ gpu: 'H100-80GB', pricePerHour: 250 }), true],
    ['a T4 for a hundredth of what others ask', testOffer({ gpu: 'T4', pricePerHour: 0.018 }), true],
    ['a device that nobody else sells', testOffer({ gpu: 'L4', pricePerHour: 0.03 }), false],
  ];
  for (const [claim, offer, caught] of cases) {
    it(`${claim}: ${caught ? 'quarantined' : 'good'}`, () => {
      assert.equal(rulesOf([offer], [], { previous: null, market: MARKET }).length, caught ? 1 : 0);
    });
  }

  it('may be as cheap as it likes where that is declared', () => {
    const offers = [testOffer({ gpu: 'B200', pricePerHour: 0.02 })];
    const rules: IntegrityRule[] = [{ rule: 'cheap', accelerators: ['B200'], because: 'a test' }];
    assert.deepEqual(rulesOf(offers, rules, { previous: null, market: MARKET }), []);
  });

  it('is not compared with its own cloud', () => {
    const own = [0.055, 3, 3, 3].map((pricePerHour, i) => testOffer({ gpu: 'L40S', region: `r${i}`, pricePerHour }));
    assert.deepEqual(rulesOf(own, [], { previous: null, market: Market.of(own) }), []);
  });
});

describe('offers beside each other', () => {
  it('of one id the dearest stays, so that nobody is billed more than was shown', () => {
    const prices = [1, 3, 2, 3].map((pricePerHour) => testOffer({ gpu: 'T4', pricePerHour }));
    const { good, quarantined } = checkOffers(prices, [], ALONE);
    assert.deepEqual(good, [prices[1]]);
    assert.match(quarantined[0]?.reason ?? '', /for \$1 and for \$3; the higher price stays/);
    assert.match(quarantined[2]?.reason ?? '', /listed twice/);
  });

  it('a sentinel that is the dearest of one id does not win', () => {
    const offers = [16.8, 700].map((pricePerHour) => testOffer({ gpu: 'v5p-8', pricePerHour }));
    assert.equal(checkOffers(offers, [], ALONE).good[0]?.pricePerHour, 16.8);
  });

  it('spot above on demand in the same place is kept out, unless declared', () => {
    const onDemand = testOffer({ gpu: 'T4', pricePerHour: 0.5 });
    const dear = testOffer({ gpu: 'T4', pricePerHour: 0.6, capacityType: 'spot', zone: 'us-east-1a' });
    const elsewhere = testOffer({ gpu: 'T4', pricePerHour: 0.6, capacityType: 'spot', region: 'eu-west-1' });
    const marked = testOffer({ gpu: 'T4', pricePerHour: 0.7, capacityType: 'spot', flags: ['oci-spot'] });
    const offers = [onDemand, dear, elsewhere, marked];
    assert.deepEqual(checkOffers(offers, [], ALONE).good, [onDemand, elsewhere]);
    assert.deepEqual(rulesOf(offers, [{ rule: 'spot-above-on-demand' }]), []);
  });
});

describe('a version beside the one before', () => {
  const regions = Array.from({ length: 10 }, (_, i) => `region-${i}`);
  const before = regions.map((region) => testOffer({ region, gpu: 'H100:8', pricePerHour: 28.66 }));
  const check = (offers: CatalogOffer[], rules: IntegrityRule[] = []) =>
    checkOffers(offers, rules, { previous: before, market: null });

  it('a price that jumped alone is kept out', () => {
    const now = before.map((offer, i) => (i === 0 ? { ...offer, pricePerHour: 8 } : offer));
    const { quarantined } = check(now);
    assert.deepEqual(
      quarantined.map(({ offer, rule }) => [offer.region, rule]),
      [['region-0', 'price-jump']],
    );
    assert.match(quarantined[0]?.reason ?? '', /\$28.66 before, \$8 now/);
  });

  it('a price that jumped with most of its kind is believed, and told', () => {
    const { good, problems } = check(before.map((offer, i) => (i < 6 ? { ...offer, pricePerHour: 8 } : offer)));
    assert.equal(good.length, 10);
    assert.match(
      problems.map(({ message }) => message).join(),
      /gpu\.H100:8 \(on-demand\) is 6 times cheaper: believed/,
    );
  });

  it('whose prices all moved alike is another unit or a broken list: it is not published unless a person says so', () => {
    const types = ['H100:8', 'A100-80GB:8', 'T4', 'L4'];
    const all = types.flatMap((gpu) => regions.map((region) => testOffer({ region, gpu, pricePerHour: 20 })));
    for (const factor of [0.1, 0.05, 10, 100]) {
      const now = all.map((offer) => ({ ...offer, pricePerHour: 20 * factor }));
      const moved = checkOffers(now, [], { previous: all, market: null });
      assert.match(blockingReason(moved) ?? '', /40 of 40 prices are several times (cheaper|dearer) than before/);
      const accepted = checkOffers(now, [], { previous: all, market: null, acceptMovedList: true });
      assert.equal(blockingReason(accepted), null);
      assert.equal(accepted.good.length, 40);
    }
    const family = all.map((offer) => (offer.accelerator?.name === 'T4' ? { ...offer, pricePerHour: 2 } : offer));
    assert.equal(blockingReason(checkOffers(family, [], { previous: all, market: null })), null);
  });

  it('a price cut of a half is an offer', () => {
    assert.equal(check(before.map((offer) => ({ ...offer, pricePerHour: 14.4 }))).quarantined.length, 0);
  });

  it('that lost a third of its rows, or many regions, is not published', () => {
    const report = check(before.slice(0, 6));
    assert.match(blockingReason(report) ?? '', /6 offers, 40 % fewer than the 10 before; gone .*region-6, region-7/);
    assert.equal(blockingReason(check(before.slice(0, 9))), null);
    assert.match(check(before.slice(0, 9)).problems[0]?.message ?? '', /gone since the version before: region-9/);
    assert.equal(blockingReason(check(before.slice(0, 6), [{ rule: 'comes-and-goes', because: 'a market' }])), null);
  });

  it('that lost its devices is not published', () => {
    const gpus = ['H100', 'A100-80GB', 'L4', 'T4'];
    const sold = [...gpus.map((gpu) => testOffer({ gpu })), ...regions.map((region) => testOffer({ region }))];
    const report = checkOffers(sold.slice(2), [], { previous: sold, market: null });
    assert.match(blockingReason(report) ?? '', /gone since the version before: H100, A100/);
  });

  it('of which too much is kept out is not published', () => {
    const now = before.map((offer, i) => (i < 3 ? { ...offer, pricePerHour: 0 } : offer));
    assert.match(blockingReason(check(now)) ?? '', /3 offers are kept out: 3 by price/);
  });
});

describe('what a cloud is known for', () => {
  const offers = ['H100', 'A100-80GB'].map((gpu) => testOffer({ gpu }));
  const cases: [rule: IntegrityRule, blocks: RegExp | null][] = [
    [{ rule: 'accelerators', names: ['H100', 'A100'] }, null],
    [{ rule: 'accelerators', names: ['H100', 'L4', 'T4'] }, /accelerators .* missing: L4, T4$/],
    [{ rule: 'accelerators', names: ['H100', 'L4'], atLeast: 1 }, null],
    [{ rule: 'accelerators', names: ['L4', 'T4'], atLeast: 1 }, /missing: L4, T4, of which 1 must be there/],
    [{ rule: 'regions', names: ['us-east-1', 'us-west-2'] }, /regions .* missing: us-west-2/],
    [{ rule: 'instance-types', names: ['p5.48xlarge'] }, /instance types .* missing: p5.48xlarge/],
    [{ rule: 'capacity-types', exactly: ['on-demand'] }, null],
    [{ rule: 'capacity-types', exactly: ['on-demand', 'spot'] }, /capacity types .* missing: spot/],
    [{ rule: 'capacity-types', exactly: ['spot'] }, /not sold here: on-demand/],
    [{ rule: 'offers', atLeast: 2 }, null],
    [{ rule: 'offers', atLeast: 3 }, /2 offers, fewer than 3/],
  ];
  for (const [rule, blocks] of cases) {
    it(`${JSON.stringify(rule)}: ${blocks === null ? 'holds' : 'blocks'}`, () => {
      const reason = blockingReason(checkOffers(offers, [rule], ALONE));
      if (blocks === null) assert.equal(reason, null);
      else assert.match(reason ?? '', blocks);
    });
  }

  it('an empty list is no version', () => {
    assert.match(blockingReason(checkOffers([], [], ALONE)) ?? '', /no good offer/);
  });

  it('a device that the registry does not know is told and kept', () => {
    const { good, problems } = checkOffers([testOffer({ gpu: 'Frob 9000' })], [], ALONE);
    assert.equal(good.length, 1);
    assert.match(problems[0]?.message ?? '', /does not know: Frob 9000/);
  });
});

describe('whatever the offers are', () => {
  const arbitrary = fc.record({
    gpu: fc.constantFrom(undefined, 'H100', 'A100-80GB:8', 'T4:0.5', 'v5p-8', 'Frob 9000'),
    region: fc.constantFrom('us-east-1', 'eu-west-1'),
    zone: fc.constantFrom(null, 'us-east-1a'),
    capacityType: fc.constantFrom('on-demand' as const, 'spot' as const, 'reserved' as const),
    pricePerHour: fc.oneof(fc.constantFrom(0, -1, Number.NaN, 700, 1e6, 0.01, 1, 2), fc.double({ min: 0, max: 100 })),
  });
  const offersOf = (sketches: { gpu: string | undefined }[]) =>
    sketches.map(({ gpu, ...rest }) => testOffer({ ...rest, ...(gpu !== undefined && { gpu }) }));

  it('each is good or quarantined, once, and good ones are finite, distinct and in order', () => {
    const list = fc.array(arbitrary, { maxLength: 40 });
    fc.assert(
      fc.property(list, list, fc.boolean(), (now, earlier, withMarket) => {
        const offers = offersOf(now);
        const { good, quarantined } = checkOffers(offers, [], {
          previous: checkOffers(offersOf(earlier), [], ALONE).good,
          market: withMarket ? MARKET : null,
        });
        const kept = new Set(good);
        const out = new Set(quarantined.map(({ offer }) => offer));
        assert.equal(kept.size + out.size, offers.length);
        assert.equal(good.length + quarantined.length, offers.length);
        for (const offer of offers) assert.notEqual(kept.has(offer), out.has(offer));
        assert.deepEqual(
          good,
          offers.filter((offer) => kept.has(offer)),
        );
        assert.equal(new Set(good.map(({ id }) => id)).size, good.length);
        for (const { pricePerHour } of good) assert.ok(pricePerHour > 0 && Number.isFinite(pricePerHour));
      }),
    );
  });
});
