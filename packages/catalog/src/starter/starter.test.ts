import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { blockingReason, checkOffers, Market } from '../integrity.ts';
import { STARTER_AS_OF, STARTER_TABLES, starterOffers } from './starter.ts';

const offers = starterOffers();

describe('the starter catalog', () => {
  it('passes every rule that collected offers pass, beside its own market too', () => {
    const market = Market.of(offers);
    for (const { backend } of STARTER_TABLES) {
      const own = offers.filter((offer) => offer.backend === backend);
      const report = checkOffers(own, [], { previous: null, market });
      assert.deepEqual(
        report.quarantined.map(({ offer, reason }) => `${offer.id}: ${reason}`),
        [],
      );
      assert.equal(blockingReason(report), null);
    }
  });

  it('knows every device, its memory, and every country', () => {
    for (const { id, accelerator, country } of offers) {
      assert.ok(accelerator === null || (accelerator.known && accelerator.memoryMiB !== null), id);
      assert.match(country ?? '', /^[A-Z]{2}$/, id);
    }
  });

  it('says who said so and when, and calls nothing available', () => {
    for (const offer of offers) {
      assert.equal(offer.source, 'starter');
      assert.equal(offer.availability, 'unknown');
      assert.ok(offer.collectedAt >= STARTER_AS_OF && offer.collectedAt < Date.UTC(2026, 0));
    }
    for (const { asOf, source } of STARTER_TABLES) {
      assert.match(asOf, /^\d{4}-\d{2}-\d{2}$/);
      assert.ok(source.length > 10);
    }
  });

  it('has machines with Arm where the clouds name them so', () => {
    const arm = offers.filter(({ cpuArch }) => cpuArch === 'arm').map(({ instanceType }) => instanceType);
    assert.deepEqual([...new Set(arm)].sort(), [
      'Standard_E32ps_v5',
      'gpu_1x_gh200',
      't2a-standard-16',
      't2a-standard-4',
    ]);
  });

  it('has what most people ask for first, in at least two clouds each', () => {
    for (const name of ['H100', 'A100', 'L4', 'T4', 'A10', 'V100']) {
      const clouds = new Set(
        offers.filter(({ accelerator }) => accelerator?.name === name).map(({ backend }) => backend),
      );
      assert.ok(clouds.size >= 2, `${name}: ${[...clouds].join()}`);
    }
    assert.ok(new Set(offers.map(({ backend, instanceType }) => `${backend} ${instanceType}`)).size >= 90);
  });
});
