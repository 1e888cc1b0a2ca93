import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countryOf } from './regions.ts';

test('the country is read from the name of the data centre, and only where the name tells it', () => {
  const named: Readonly<Record<string, string | null>> = {
    'us-east-nc-nr-1': 'US',
    ustx1a_a01: 'US',
    usny01_a01: 'US',
    'eu-central-it-gv-1': 'IT',
    ap_northeast_kr_se_1: 'KR',
    'ap-east-tw-kn-2': 'TW',
    'eu-central-1': null,
    usher: null,
    dc: null,
  };
  for (const [place, country] of Object.entries(named)) assert.equal(countryOf(place), country, place);
});
