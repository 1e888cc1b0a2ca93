import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOffers } from '@berth/catalog/integrity';
import { normalizeOffer } from '@berth/catalog/normalize';
import { accessKeySchema } from './credentials.ts';
import aws from './index.ts';
import { countryOf, isApiRegion } from './regions.ts';
import { ec2, G6E_XLARGE, M5_LARGE, P5_48XLARGE, priceList, spotFeed } from './testing/ec2-replay.ts';

test('aws is a price list that anybody may collect', () => {
  assert.equal(aws.type, 'aws');
  assert.equal(aws.compute, undefined);
  assert.equal(aws.catalog.kind === 'offline' && aws.catalog.credentials, 'optional');
});

test('the secrets of an access key do not print, and unknown keys are refused', () => {
  const given = { access_key: 'AKIDEXAMPLE', secret_key: 'hush', session_token: 'hush' };
  assert.doesNotMatch(JSON.stringify(accessKeySchema.parse(given)), /hush/);
  assert.equal(accessKeySchema.safeParse({ ...given, region: 'us-east-1' }).success, false);
});

test('the regions that it must have are regions, each with its country', () => {
  assert.ok(aws.catalog.kind === 'offline');
  const regions = aws.catalog.rules.flatMap((rule) => (rule.rule === 'regions' ? rule.names : []));
  assert.equal(regions.length, 17);
  for (const region of regions) assert.ok(isApiRegion(region) && countryOf(region) !== null, region);
});

test('none of its offers is kept out by its own rules, and a list that lacks what it is known for is', async () => {
  const g6f = { ...G6E_XLARGE, 'Instance Type': 'g6f.large', GPU: '0', PricePerUnit: '0.202' };
  const body = priceList('us-east-1', [M5_LARGE, G6E_XLARGE, P5_48XLARGE, g6f]);
  await using cloud = await ec2({ 'us-east-1': { body } });
  cloud.server.on('GET /spot.json', { json: spotFeed({ 'us-east': { 'g6f.large': '0.08', 'p5.48xlarge': '16.5' } }) });
  const offers = (await cloud.collect()).map((collected) => {
    const normalized = normalizeOffer(collected, { backend: 'aws', source: 'aws', collectedAt: 0 });
    assert.ok(normalized.ok);
    return normalized.offer;
  });
  assert.ok(aws.catalog.kind === 'offline');
  const report = checkOffers(offers, aws.catalog.rules, { previous: null, market: null });
  assert.deepEqual(report.quarantined, []);
  assert.equal(report.good.length, 6);
  assert.deepEqual(
    report.problems.map(({ rule }) => rule),
    ['accelerators', 'instance-types', 'regions', 'offers'],
  );
});
