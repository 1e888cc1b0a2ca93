import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Catalog, starterOffers } from '@berth/catalog';
import { findObstacles } from './obstacles.ts';
import { starterSnapshot } from './starter.ts';

const catalog = new Catalog({ now: () => Date.now() });
catalog.replace('starter', starterSnapshot(), { kind: 'starter', version: null, staleAfterMs: null });

test('the filter without which the most would pass comes first, with the cheapest of those', () => {
  const filter = { accelerator: { names: ['H100'], count: { min: 8, max: 8 } }, regions: ['mars'] };
  const [first, ...others] = findObstacles(catalog, filter);
  assert.equal(first?.filter, 'regions');
  const eight = starterOffers().filter(({ accelerator }) => accelerator?.name === 'H100' && accelerator.count === 8);
  assert.equal(first?.totalWithout, eight.length);
  assert.equal(first?.totalAlone, 0);
  assert.equal(first?.cheapestWithout?.pricePerHour, Math.min(...eight.map(({ pricePerHour }) => pricePerHour)));
  assert.deepEqual(others.map(({ filter: name }) => name).sort(), ['gpu.count', 'gpu.names']);
});

test('where several are in the way only together, they are named together', () => {
  const filter = { regions: ['mars'], pricePerHour: { min: null, max: 0.001 }, cpus: { min: 4, max: null } };
  const [first] = findObstacles(catalog, filter);
  assert.equal(first?.filter, 'regions + price_per_hour');
  assert.ok((first?.totalWithout ?? 0) > 0);
});

test('an empty catalog has no obstacles to tell of but the filters themselves', () => {
  const empty = new Catalog({ now: () => 0 });
  assert.deepEqual(findObstacles(empty, {}), []);
  assert.ok(findObstacles(empty, { regions: ['x'] }).every(({ totalWithout }) => totalWithout === 0));
});
