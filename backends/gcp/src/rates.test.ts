import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sku } from './google.fixture.ts';
import { Rates } from './rates.ts';
import { ANY_FAMILY, SkuSchema } from './sku.ts';

function ratesOf(...skus: readonly Record<string, unknown>[]): { rates: Rates; told: (string | null)[] } {
  const rates = new Rates();
  return { rates, told: skus.map((entry) => rates.add(SkuSchema.parse(entry))) };
}

test('a price is units and billionths', () => {
  const { rates } = ratesOf(sku('N2 Instance Core running in Iowa', 1.031611));
  assert.equal(rates.get('us-central1', 'on-demand', 'core', 'n2'), 1.031611);
});

test('a price by the month is divided by the hours of a month', () => {
  const { rates } = ratesOf(sku('SSD backed Local Storage in Iowa', 0.08));
  assert.equal(rates.get('us-central1', 'on-demand', 'ssd', ANY_FAMILY), 0.08 / 730);
});

test('europe-west1 never takes the price of europe-west10', () => {
  const { rates } = ratesOf(sku('E2 Instance Core running in Berlin', 0.05, { regions: ['europe-west10'] }));
  assert.equal(rates.get('europe-west1', 'on-demand', 'core', 'e2'), null);
  assert.equal(rates.get('europe-west10', 'on-demand', 'core', 'e2'), 0.05);
});

test('a unit or a currency that is not expected is told, not taken for another', () => {
  const { rates, told } = ratesOf(
    sku('N2 Instance Core running in Iowa', 5, { unit: 'mo' }),
    sku('N2 Instance Ram running in Iowa', 5, { currency: 'EUR' }),
  );
  assert.deepEqual(told, ['it is billed by mo', 'its price is not in US dollars']);
  assert.equal(rates.size, 0);
});

test('a price of zero is a placeholder, and a free tier is not the price', () => {
  const { rates } = ratesOf(sku('N2 Instance Core running in Iowa', 0));
  assert.equal(rates.size, 0);
  const tiered = SkuSchema.parse(sku('N2 Instance Core running in Iowa', 0));
  tiered.pricingInfo[0]?.pricingExpression.tieredRates.push({
    unitPrice: { currencyCode: 'USD', units: '0', nanos: 31611000 },
  });
  rates.add(tiered);
  assert.equal(rates.get('us-central1', 'on-demand', 'core', 'n2'), 0.031611);
});

test('of two prices for one thing the higher is used, and told', () => {
  const { rates, told } = ratesOf(
    sku('Nvidia L4 GPU running in Iowa', 0.56),
    sku('Nvidia L4 GPU running in Iowa', 0.4),
  );
  assert.equal(rates.get('us-central1', 'on-demand', 'gpu', 'l4'), 0.56);
  assert.match(told[1] ?? '', /higher one is used/);
});

test('of prices over time the latest counts', () => {
  const old = SkuSchema.parse(sku('Nvidia L4 GPU running in Iowa', 9));
  const latest = SkuSchema.parse(sku('Nvidia L4 GPU running in Iowa', 0.56));
  const rates = new Rates();
  rates.add({ ...old, pricingInfo: [...old.pricingInfo, ...latest.pricingInfo] });
  assert.equal(rates.get('us-central1', 'on-demand', 'gpu', 'l4'), 0.56);
});
