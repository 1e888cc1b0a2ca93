import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeOffer } from '@berth/catalog/normalize';
import { Secret } from '@berth/core';
import { tooMany, webPage } from '@berth/http/testing/replay-server';
import { azure, item, names, PRICES, page } from './testing/azure-replay.ts';

const D2 = item('Standard_D2s_v3', 0.096);
const inRegion = (armRegionName: string, price = 0.096) => page([item('Standard_D2s_v3', price, { armRegionName })]);

/** Twelve regions, so that one of them may fail. */
const TWELVE = [
  'australiaeast',
  'brazilsouth',
  'canadacentral',
  'centralus',
  'eastus',
  'francecentral',
  'japaneast',
  'koreacentral',
  'norwayeast',
  'uksouth',
  'westeurope',
  'westus2',
];
const twelve = () => Object.fromEntries(TWELVE.map((region, i) => [region, inRegion(region, i + 1)]));

test('collected items become exact offers: id, price, accelerator, memory and interconnect', async () => {
  const items = [
    item('Standard_ND96isr_H100_v5', 98.32, { meterName: 'ND96isrH100v5' }),
    item('Standard_ND96isr_H100_v5', 18.17, { meterName: 'ND96isrH100v5 Spot' }),
    item('Standard_NV6ads_A10_v5', 0.454),
    item('Standard_D4ps_v5', 0.154),
  ];
  await using cloud = await azure({ eastus: page(items) });
  const offers = (await cloud.collect()).map((collected) => {
    const normalized = normalizeOffer(collected, { backend: 'azure', source: 'azure', collectedAt: 0 });
    assert.ok(normalized.ok);
    assert.equal(normalized.unmapped, null);
    return normalized.offer;
  });
  assert.deepEqual(
    offers.map((offer) => [offer.id, offer.pricePerHour, offer.cpus, offer.memoryMiB / 1024, offer.cpuArch]),
    [
      ['azure/eastus/-/Standard_ND96isr_H100_v5/on-demand/H100:80GB:8', 98.32, 96, 1900, 'x86'],
      ['azure/eastus/-/Standard_ND96isr_H100_v5/spot/H100:80GB:8', 18.17, 96, 1900, 'x86'],
      ['azure/eastus/-/Standard_NV6ads_A10_v5/on-demand/A10:24GB:1of6', 0.454, 6, 55, 'x86'],
      ['azure/eastus/-/Standard_D4ps_v5/on-demand', 0.154, 4, 16, 'arm'],
    ],
  );
  assert.deepEqual(offers[0]?.accelerator, {
    name: 'H100',
    vendor: 'nvidia',
    known: true,
    count: 8,
    memoryMiB: 80 * 1024,
    formFactor: 'SXM',
  });
  assert.equal(offers[0]?.interconnect, 'InfiniBand');
  assert.equal(offers[0]?.country, 'US');
  assert.deepEqual(cloud.skipped, []);
});

test('pages are followed by their links to the last one, and no page is guessed', async () => {
  const link = "https://prices.azure.com:443/api/retail/prices?$filter=armRegionName eq 'eastus'&$skip=";
  await using cloud = await azure({
    eastus: ({ query }) => {
      const skip = Number(query.get('$skip') ?? 0);
      const sizes = ['Standard_D2s_v3', 'Standard_D4s_v3', 'Standard_D8s_v3'];
      const next = skip < 2 ? `${link}${skip + 1}` : null;
      return page([item(sizes[skip] ?? '', 1)], next);
    },
  });
  const offers = await cloud.collect();
  assert.deepEqual(
    offers.map((offer) => offer.instanceType),
    ['Standard_D2s_v3', 'Standard_D4s_v3', 'Standard_D8s_v3'],
  );
  const asked = cloud.server.asked(PRICES).filter(({ query }) => /'eastus'/.test(query.get('$filter') ?? ''));
  assert.equal(asked.length, 3);
});

test('a next page on another host is refused', async () => {
  await using cloud = await azure({ eastus: page([D2], 'https://prices.example.com/api/retail/prices?$skip=1000') });
  await assert.rejects(cloud.collect(), /a next page that is not its own/);
});

test('who asks too fast is told, waits and goes on', async () => {
  await using cloud = await azure({ eastus: ({ before }) => (before === 0 ? tooMany('3') : page([D2])) });
  assert.deepEqual(names(await cloud.collect()), ['Standard_D2s_v3 eastus on-demand 0.096']);
  assert.deepEqual(cloud.skipped, []);
});

test('Windows, whole hosts, low priority and what has no size are not ours', async () => {
  const items = [
    D2,
    item('Standard_D2s_v3', 0.188, { productName: 'Virtual Machines Dsv3 Series Windows' }),
    item('Standard_D2s_v3', 0.02, { meterName: 'D2s v3 Low Priority' }),
    item('Standard_D2s_v3', 0.5, { productName: 'Dsv3 Series Dedicated Host' }),
    item('', 0.1),
    item('Standard_D2s_v3', 0.1, { armRegionName: 'westus' }),
  ];
  await using cloud = await azure({ eastus: page(items) });
  assert.deepEqual(names(await cloud.collect()), ['Standard_D2s_v3 eastus on-demand 0.096']);
  assert.deepEqual(cloud.skipped, []);
  const [discovery] = cloud.server.asked(PRICES);
  assert.match(
    discovery?.query.get('$filter') ?? '',
    /^serviceName eq 'Virtual Machines' and priceType eq 'Consumption'/,
  );
});

test('of several meters of a size the primary one counts, then the latest that is in force', async () => {
  const items = [
    item('Standard_D2s_v3', 9, { isPrimaryMeterRegion: false, effectiveStartDate: '2025-06-01T00:00:00Z' }),
    item('Standard_D2s_v3', 2, { effectiveStartDate: '2024-01-01T00:00:00Z' }),
    item('Standard_D2s_v3', 3, { effectiveStartDate: '2025-01-01T00:00:00Z' }),
    item('Standard_D2s_v3', 3, { effectiveStartDate: '2025-01-01T00:00:00Z' }),
    item('Standard_D2s_v3', 4, { effectiveStartDate: '2027-01-01T00:00:00Z' }),
    item('Standard_D2s_v3', 0, { effectiveStartDate: '2025-07-01T00:00:00Z' }),
  ];
  await using cloud = await azure({ eastus: page(items) });
  assert.deepEqual(names(await cloud.collect()), ['Standard_D2s_v3 eastus on-demand 3']);
  assert.deepEqual(cloud.skipped, []);
});

test('a price of nought, two prices, and another unit are left out and named', async () => {
  const items = [
    D2,
    item('Standard_D4s_v3', 0),
    item('Standard_D8s_v3', 1),
    item('Standard_D8s_v3', 2),
    item('Standard_D16s_v3', 300, { unitOfMeasure: '1/Month' }),
  ];
  await using cloud = await azure({ eastus: page(items) });
  assert.deepEqual(names(await cloud.collect()), ['Standard_D2s_v3 eastus on-demand 0.096']);
  assert.deepEqual(cloud.skipped, [
    'Standard_D4s_v3 on-demand in eastus: its price is 0',
    'Standard_D8s_v3 on-demand in eastus: the price list has two different prices for it',
    'Standard_D16s_v3 on-demand in eastus: it is sold by "1/Month"',
  ]);
});

test('a size that does not say what it is is left out and named once', async () => {
  const items = [D2, item('Standard_NC8as_X99_v9', 5), item('Standard_NC8as_X99_v9', 1, { meterName: 'NC8 Spot' })];
  await using cloud = await azure({ eastus: page(items) });
  assert.equal((await cloud.collect()).length, 1);
  assert.deepEqual(cloud.skipped, [
    'Standard_NC8as_X99_v9: it has accelerators, and its series is not among those that are known',
  ]);
});

test('a failed request never shifts prices to another region', async () => {
  await using cloud = await azure({ ...twelve(), canadacentral: { status: 500 } });
  const offers = await cloud.collect();
  assert.deepEqual(
    offers.map((offer) => [offer.region, offer.pricePerHour]),
    TWELVE.map((region, i) => [region, i + 1]).filter(([region]) => region !== 'canadacentral'),
  );
  assert.deepEqual(
    cloud.skipped.map((told) => told.split(':')[0]),
    ['region canadacentral'],
  );
});

test('a page that fails in the middle leaves out its region, not the half of it', async () => {
  const next = "https://prices.azure.com/api/retail/prices?$filter=armRegionName eq 'eastus'&$skip=1000";
  const eastus = page([item('Standard_D2s_v3', 1), item('Standard_D4s_v3', 2)], next);
  await using cloud = await azure({
    ...twelve(),
    eastus: ({ query }) => (query.get('$skip') === null ? eastus : { status: 503 }),
  });
  const offers = await cloud.collect();
  assert.equal(
    offers.some((offer) => offer.region === 'eastus'),
    false,
  );
  assert.equal(offers.length, 11);
});

test('a list that lacks more than a tenth of its regions is none; one that says nothing of a region lacks it', async () => {
  await using cloud = await azure({ ...twelve(), canadacentral: { status: 500 }, uksouth: page([]) });
  await assert.rejects(cloud.collect(), /2 of 12 regions \(canadacentral, uksouth\)/);
});

test('an empty list is no empty success', async () => {
  await using cloud = await azure({});
  await assert.rejects(cloud.collect(), { code: 'unavailable', message: /has no region/ });
});

test('a changed field is an error that names it, and so is a web page', async () => {
  const { retailPrice: _, ...renamed } = D2;
  await using changed = await azure({ eastus: page([{ ...renamed, price: 1 }]) });
  await assert.rejects(changed.collect(), /`Items\.0\.retailPrice`/);
  await using euros = await azure({ eastus: page([{ ...D2, currencyCode: 'EUR' }]) });
  await assert.rejects(euros.collect(), /`Items\.0\.currencyCode`/);
  await using html = await azure({ eastus: webPage() });
  await assert.rejects(html.collect(), /a web page that is no JSON/);
});

test('a region that is in no table is found by what it sells', async () => {
  await using cloud = await azure({ moonnorth: inRegion('moonnorth') });
  const offers = await cloud.collect();
  assert.deepEqual(names(offers), ['Standard_D2s_v3 moonnorth on-demand 0.096']);
  assert.equal(offers[0]?.country, null);
});

const CREDENTIALS = {
  tenant_id: 'tenant',
  client_id: 'client',
  client_secret: new Secret('pa ss&word'),
  subscription_id: 'subscription',
};
const SKUS = 'GET /subscriptions/subscription/providers/Microsoft.Compute/skus';
const sku = (name: string, capabilities: Readonly<Record<string, string>>) => ({
  resourceType: 'virtualMachines',
  name,
  family: 'standardFamily',
  locations: ['eastus'],
  capabilities: Object.entries(capabilities).map(([key, value]) => ({ name: key, value })),
  restrictions: [],
});

test('with credentials shapes are those of the Resource SKUs API, on all of its pages', async () => {
  const items = [item('Standard_E16-4ds_v5', 1), item('Standard_NV6ads_A10_v5', 2), item('Standard_NC8as_X99_v9', 3)];
  await using cloud = await azure({ eastus: page(items) });
  cloud.server.on('POST /tenant/oauth2/v2.0/token', { json: { token_type: 'Bearer', access_token: 'a-token' } });
  const e16 = {
    vCPUs: '16',
    vCPUsAvailable: '4',
    MemoryGB: '128',
    MaxResourceVolumeMB: '614400',
    CpuArchitectureType: 'x64',
  };
  const a10 = { vCPUs: '6', MemoryGB: '55', GPUs: '1', RdmaEnabled: 'False' };
  const x99 = { vCPUs: '8', MemoryGB: '64', GPUs: '2', CpuArchitectureType: 'Arm64', RdmaEnabled: 'True' };
  const first = {
    value: [sku('Standard_E16-4ds_v5', e16), { resourceType: 'disks', name: 'Premium_LRS' }],
    nextLink: 'https://management.azure.com/subscriptions/subscription/providers/Microsoft.Compute/skus?page=2',
  };
  const second = { value: [sku('standard_nv6ads_A10_v5', a10), sku('Standard_NC8as_X99_v9', x99)] };
  cloud.server.on(SKUS, { json: first }, { json: second });
  const offers = await cloud.collect(CREDENTIALS);
  assert.deepEqual(
    offers.map(({ cpus, memoryMiB, diskMiB, cpuArch, interconnect }) => ({
      cpus,
      memoryMiB,
      diskMiB,
      cpuArch,
      interconnect,
    })),
    [
      { cpus: 4, memoryMiB: 128 * 1024, diskMiB: 614_400, cpuArch: 'x86', interconnect: null },
      { cpus: 6, memoryMiB: 55 * 1024, diskMiB: null, cpuArch: undefined, interconnect: null },
      { cpus: 8, memoryMiB: 64 * 1024, diskMiB: null, cpuArch: 'arm', interconnect: 'InfiniBand' },
    ],
  );
  // The API counts a share as a whole one, and names no device.
  assert.equal(offers[1]?.accelerator?.count, 1 / 6);
  assert.deepEqual(offers[2]?.accelerator, { label: 'Azure standardFamily', count: 2 });
  assert.equal(cloud.server.asked(SKUS)[0]?.headers['authorization'], 'Bearer a-token');
  const [token] = cloud.server.asked('POST /tenant/oauth2/v2.0/token');
  assert.equal(new URLSearchParams(token?.body).get('client_secret'), 'pa ss&word');
});

test('what the subscription may not have in a region is told apart from its price', async () => {
  const items = [D2, item('Standard_D4s_v3', 0.2), item('Standard_D8s_v3', 0.4)];
  await using cloud = await azure({ eastus: page(items) });
  cloud.server.on('POST /tenant/oauth2/v2.0/token', { json: { access_token: 'a-token' } });
  const restricted = (name: string, type: string, reasonCode: string) => ({
    ...sku(name, { vCPUs: '4', MemoryGB: '16' }),
    restrictions: [{ type, values: ['EastUS'], restrictionInfo: { locations: ['EastUS'] }, reasonCode }],
  });
  const value = [
    restricted('Standard_D2s_v3', 'Location', 'NotAvailableForSubscription'),
    restricted('Standard_D4s_v3', 'Location', 'QuotaId'),
    restricted('Standard_D8s_v3', 'Zone', 'NotAvailableForSubscription'),
  ];
  cloud.server.on(SKUS, { json: { value } });
  const offers = await cloud.collect(CREDENTIALS);
  assert.deepEqual(
    offers.map((offer) => offer.availability),
    ['not-available', 'no-quota', 'unknown'],
  );
});

test('refused credentials are an error that does not tell them', async () => {
  await using cloud = await azure({ eastus: page([D2]) });
  cloud.server.on('POST /tenant/oauth2/v2.0/token', { status: 401, json: { error: 'invalid_client' } });
  await assert.rejects(cloud.collect(CREDENTIALS), (error: Error) => {
    assert.match(error.message, /401.*invalid_client/);
    assert.doesNotMatch(error.message, /pa ss|pa\+ss/);
    return true;
  });
});

test('the deadline ends a request that is never answered', async () => {
  await using cloud = await azure({ eastus: { headAfterMs: Number.POSITIVE_INFINITY } });
  await assert.rejects(cloud.collect(null, AbortSignal.timeout(100)), { name: 'TimeoutError' });
});
