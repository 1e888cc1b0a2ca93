import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judged } from '@berth/catalog/testing/harvest';
import { collect } from './collect.ts';
import { clientSchema } from './credentials.ts';
import azure from './index.ts';
import { item, page, azure as replay } from './testing/azure-replay.ts';

test('azure is a price list that anybody may collect', () => {
  assert.equal(azure.type, 'azure');
  assert.equal(azure.compute, undefined);
  assert.equal(azure.catalog.kind === 'offline' && azure.catalog.credentials, 'optional');
});

test('the secret of a client does not print, and unknown keys are refused', () => {
  const given = { tenant_id: 't', client_id: 'c', client_secret: 'hush', subscription_id: 's' };
  assert.doesNotMatch(JSON.stringify(clientSchema.parse(given)), /hush/);
  assert.equal(clientSchema.safeParse({ ...given, password: 'hush' }).success, false);
});

test('a list with what Azure is known for lacks nothing but its length', async () => {
  const { catalog } = azure;
  assert.ok(catalog.kind === 'offline' && catalog.collect === collect);
  const sizes: readonly (readonly [name: string, price: number])[] = [
    ['Standard_D2s_v3', 0.096],
    ['Standard_D2ps_v5', 0.077],
    ['Standard_NC4as_T4_v3', 0.526],
    ['Standard_NC24ads_A100_v4', 3.673],
    ['Standard_NC40ads_H100_v5', 6.98],
    ['Standard_ND96isr_H100_v5', 98.32],
    ['Standard_ND96isr_H200_v5', 110.24],
    ['Standard_ND96isr_MI300X_v5', 48],
    ['Standard_NV6ads_A10_v5', 0.454],
    ['Standard_NV28adms_V710_v5', 1.7],
  ];
  const items = (armRegionName: string) =>
    sizes.flatMap(([name, price]) => [
      item(name, price, { armRegionName }),
      item(name, price / 4, { armRegionName, meterName: `${name} Spot` }),
    ]);
  const regions = catalog.rules.flatMap((rule) => (rule.rule === 'regions' ? rule.names : []));
  await using cloud = await replay(Object.fromEntries(regions.map((region) => [region, page(items(region))])));
  const offers = await cloud.collect();
  assert.deepEqual(
    offers.filter(({ country }) => country === null),
    [],
    'every region of the rules has its country',
  );
  assert.deepEqual(judged(offers, 'azure', catalog.rules), {
    keptOut: [],
    blocked: `${regions.length * sizes.length * 2} offers, fewer than 20000`,
  });
});
