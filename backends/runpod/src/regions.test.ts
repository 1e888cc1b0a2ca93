import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countryOf } from './regions.ts';

test('the country is read from the data centre, and only where its name tells one', () => {
  const named: Readonly<Record<string, string | null>> = {
    'US-KS-2': 'US',
    'CA-MTL-3': 'CA',
    'EU-RO-1': 'RO',
    'EUR-IS-1': 'IS',
    'AP-JP-1': 'JP',
    'OC-AU-1': 'AU',
    // South east, not Sweden.
    'AP-SE-1': null,
    SE: 'SE',
    'EU-WEST-1': null,
    '': null,
  };
  for (const [region, country] of Object.entries(named)) assert.equal(countryOf(region), country, region);
});
