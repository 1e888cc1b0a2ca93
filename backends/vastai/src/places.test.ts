import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOWHERE, placeOf } from './places.ts';

test('a region is the country and the place in it', () => {
  assert.deepEqual(placeOf('Texas, US'), { region: 'us-texas', country: 'US' });
  assert.deepEqual(placeOf('São Paulo, Brazil, BR'), { region: 'br-sao-paulo-brazil', country: 'BR' });
  assert.deepEqual(placeOf('Québec, CA'), { region: 'ca-quebec', country: 'CA' });
});

test('half of it may be missing', () => {
  assert.deepEqual(placeOf(', DE'), { region: 'de', country: 'DE' });
  assert.deepEqual(placeOf('Norway'), { region: 'norway', country: null });
});

test('a host that does not say where it is stands in the region `unknown`, not in one without a name', () => {
  for (const nothing of [null, undefined, '', ' ', ',', ', ']) assert.deepEqual(placeOf(nothing), NOWHERE);
});
