import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Catalog, starterOffers } from '@berth/catalog';
import { findObstacles } from './obstacles.ts';
import { starterSnapshot } from './starter.ts';

const catalog = new Catalog({ now: () => Date.now() });
catalog.replace('starter', starterSnapshot(), { kind: 'starter', version: null, staleAfterMs: null });

test('the filter without which the most would pass comes first, with the cheapest of those', async () => {
  const filter = { accelerator: { names: ['H100'], count: { min: 8, max: 8 } }, regions: ['mars'] };
  const [first, ...others] = await findObstacles(catalog, filter);
  assert.equal(first?.filter, 'regions');
  const eight = starterOffers().filter(({ accelerator }) => accelerator?.name === 'H100' && accelerator.count === 8);
  assert.equal(first?.totalWithout, eight.length);
  assert.equal(first?.totalAlone, 0);
  assert.equal(first?.cheapestWithout?.pricePerHour, Math.min(...eight.map(({ pricePerHour }) => pricePerHour)));
  assert.deepEqual(others.map(({ filter: name }) => name).sort(), ['gpu.count', 'gpu.names']);
});

test('where several are in the way only together, they are named together', async () => {
  const filter = { regions: ['mars'], pricePerHour: { min: null, max: 0.001 }, cpus: { min: 4, max: null } };
  const [first] = await findObstacles(catalog, filter);
  assert.equal(first?.filter, 'regions + price_per_hour');
  assert.ok((first?.totalWithout ?? 0) > 0);
});

test('an empty catalog has no obstacles to tell of but the filters themselves', async () => {
  const empty = new Catalog({ now: () => 0 });
  assert.deepEqual(await findObstacles(empty, {}), []);
  assert.ok((await findObstacles(empty, { regions: ['x'] })).every(({ totalWithout }) => totalWithout === 0));
});

test('two hundred patterns in every filter leave others their turn', async () => {
  const patterns = Array.from({ length: 200 }, (_, i) => `*?*?*?*?*?*?*-*?*?${i}x`);
  const filter = {
    instanceTypes: patterns,
    excludeInstanceTypes: patterns,
    regions: patterns,
    excludeRegions: patterns,
    zones: patterns,
    countries: patterns,
  };
  let turns = 0;
  const ticking = setInterval(() => turns++, 0);
  await findObstacles(catalog, filter);
  clearInterval(ticking);
  assert.ok(turns >= 6, `${turns} turns`);
});
