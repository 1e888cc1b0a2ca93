import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countryOf, isApiRegion } from './regions.ts';

test('Local and Wavelength Zones are in the country of their region, unless they are abroad', () => {
  assert.equal(countryOf('eu-central-1'), 'DE');
  assert.equal(countryOf('eu-central-1-ham-1'), 'DE');
  assert.equal(countryOf('eu-central-1-waw-1'), 'PL');
  assert.equal(countryOf('us-east-1-wl1-bos1'), 'US');
  assert.equal(countryOf('us-east-1-qro-1'), 'MX');
  assert.equal(countryOf('eu-west-3-wl1-cmn1'), 'MA');
  assert.equal(countryOf('us-gov-west-1'), 'US');
});

test('a region that nobody has written down yet has no country', () => {
  assert.equal(countryOf('xx-moon-1'), null);
  assert.equal(countryOf(''), null);
});

test('only regions have an API of their own', () => {
  assert.equal(isApiRegion('us-west-2'), true);
  assert.equal(isApiRegion('us-gov-east-1'), true);
  assert.equal(isApiRegion('us-west-2-lax-1'), false);
  assert.equal(isApiRegion('us-east-1-wl1-bos1'), false);
});
