import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeOffer } from '@berth/catalog/normalize';
import { Secret } from '@berth/core';
import { tooMany, webPage } from '@berth/http/testing/replay-server';
import {
  ec2,
  G6E_XLARGE,
  M5_LARGE,
  names,
  P5_48XLARGE,
  priceList,
  type Row,
  routeOf,
  spotFeed,
} from './testing/ec2-replay.ts';

const list = (region: string, ...rows: Row[]) => ({ body: priceList(region, rows) });
const KEY = { access_key: 'AKIDEXAMPLE', secret_key: new Secret('secret'), session_token: undefined };

/** Twelve regions, so that one of them may fail. */
const TWELVE = ['af-south-1', 'ap-east-1', 'ap-south-1', 'ca-central-1', 'eu-north-1', 'eu-south-1', 'eu-west-1',
  'eu-west-2', 'eu-west-3', 'sa-east-1', 'us-east-1', 'us-west-2']; // biome-ignore format: a list
const twelve = () => Object.fromEntries(TWELVE.map((region) => [region, list(region, M5_LARGE)]));

test('collected rows become exact offers: id, price, accelerator, snapped memory, disk and network', async () => {
  await using cloud = await ec2({ 'us-east-1': list('us-east-1', M5_LARGE, G6E_XLARGE, P5_48XLARGE) });
  const options = { backend: 'aws', source: 'aws', collectedAt: 0 };
  const offers = (await cloud.collect()).map((collected) => {
    const normalized = normalizeOffer(collected, options);
    assert.ok(normalized.ok);
    return normalized.offer;
  });
  const p5 = offers.find((offer) => offer.instanceType === 'p5.48xlarge');
  assert.equal(p5?.id, 'aws/us-east-1/-/p5.48xlarge/on-demand/H100:80GB:8');
  assert.equal(p5.pricePerHour, 55.04);
  assert.equal(p5.cpus, 192);
  assert.equal(p5.memoryMiB, 2048 * 1024);
  assert.deepEqual(p5.accelerator, {
    name: 'H100',
    vendor: 'nvidia',
    known: true,
    count: 8,
    memoryMiB: 80 * 1024,
    formFactor: 'SXM',
  });
  assert.equal(p5.diskMiB, Math.floor((8 * 3840e9) / 1024 ** 2));
  assert.equal(p5.networkGbps, 3200);
  assert.equal(p5.interconnect, 'EFA');
  assert.equal(p5.country, 'US');
  const g6e = offers.find((offer) => offer.instanceType === 'g6e.xlarge');
  assert.equal(g6e?.id, 'aws/us-east-1/-/g6e.xlarge/on-demand/L40S:48GB:1');
  assert.equal(g6e.networkGbps, null);
  const spot = offers.find((offer) => offer.capacityType === 'spot');
  assert.equal(spot?.id, 'aws/us-east-1/-/m5.large/spot');
  assert.equal(spot.pricePerHour, 0.035);
  assert.deepEqual(cloud.skipped, []);
});

test('only the price of a shared Linux machine by the hour is taken', async () => {
  const others: Row[] = [
    { TermType: 'Reserved' },
    { Tenancy: 'Dedicated' },
    { 'Operating System': 'Windows' },
    { 'Pre Installed S/W': 'SQL Ent' },
    { CapacityStatus: 'UnusedCapacityReservation' },
    { MarketOption: 'CapacityBlock' },
    { Unit: 'Quantity' },
    { Currency: 'CNY' },
    { 'Location Type': 'AWS Outposts' },
    { 'Region Code': 'us-west-2' },
  ];
  const rows = others.map((other, i) => ({ ...M5_LARGE, 'Instance Type': `m5.${i}xlarge`, ...other }));
  await using cloud = await ec2({ 'us-east-1': list('us-east-1', ...rows, M5_LARGE) });
  const offers = await cloud.collect();
  assert.deepEqual(names(offers), ['m5.large us-east-1 on-demand 0.096', 'm5.large us-east-1 spot 0.035']);
});

test('a type without a price, and one with two, are left out and named', async () => {
  const free = { ...P5_48XLARGE, 'Instance Type': 'p5e.48xlarge', PricePerUnit: '0.0000000000' };
  const nothing = { ...M5_LARGE, PricePerUnit: '0.0000000000' };
  const rows = [
    nothing,
    M5_LARGE,
    { ...M5_LARGE, RateCode: 'again' },
    nothing,
    free,
    G6E_XLARGE,
    { ...G6E_XLARGE, PricePerUnit: '9' },
  ];
  await using cloud = await ec2({ 'us-east-1': list('us-east-1', ...rows) });
  const offers = await cloud.collect();
  assert.deepEqual(names(offers), ['m5.large us-east-1 on-demand 0.096', 'm5.large us-east-1 spot 0.035']);
  assert.deepEqual(cloud.skipped, [
    'p5e.48xlarge in us-east-1: its price is "0.0000000000"',
    'g6e.xlarge in us-east-1: the price list has two different prices for it',
  ]);
});

test('a failed request never shifts prices to another region', async () => {
  const lists = Object.fromEntries(
    TWELVE.map((region, i) => [region, list(region, { ...M5_LARGE, PricePerUnit: `${i + 1}` })] as const),
  );
  await using cloud = await ec2({ ...lists, 'ap-south-1': { status: 500 } });
  const offers = await cloud.collect();
  const prices = offers.filter((o) => o.capacityType === 'on-demand').map((o) => [o.region, o.pricePerHour]);
  assert.deepEqual(
    prices,
    TWELVE.map((region, i) => [region, i + 1]).filter(([region]) => region !== 'ap-south-1'),
  );
  assert.equal(cloud.skipped.length, 1);
  assert.equal(cloud.skipped[0]?.split(':')[0], 'region ap-south-1');
});

test('a list that lacks more than a tenth of its regions is none', async () => {
  await using cloud = await ec2({ ...twelve(), 'ap-south-1': { status: 500 }, 'eu-west-1': { status: 404 } });
  await assert.rejects(cloud.collect(), /2 of 12 regions \(ap-south-1, eu-west-1\)/);
});

test('a region that is asked too fast is asked again', async () => {
  await using cloud = await ec2(twelve());
  cloud.server.on(routeOf('us-east-1'), tooMany('1'), list('us-east-1', M5_LARGE));
  const offers = await cloud.collect();
  assert.equal(offers.filter((offer) => offer.capacityType === 'on-demand').length, 12);
  assert.deepEqual(cloud.skipped, []);
});

test('a file that breaks off in the middle is read again from its beginning', async () => {
  await using cloud = await ec2(twelve());
  const whole = priceList('us-east-1', [M5_LARGE, G6E_XLARGE]);
  const half = {
    body: whole.slice(0, -200),
    headers: { 'content-length': `${whole.length}` },
    cut: 'after-body' as const,
  };
  cloud.server.on(routeOf('us-east-1'), half, { body: whole });
  const offers = await cloud.collect();
  assert.equal(cloud.server.asked(routeOf('us-east-1')).length, 2);
  assert.deepEqual(names(offers.filter((offer) => offer.region === 'us-east-1')), [
    'g6e.xlarge us-east-1 on-demand 1.861',
    'm5.large us-east-1 on-demand 0.096',
    'm5.large us-east-1 spot 0.035',
  ]);
});

test('a region whose file has no price counts as missing', async () => {
  await using cloud = await ec2({ ...twelve(), 'us-west-2': list('us-west-2') });
  await cloud.collect();
  assert.deepEqual(cloud.skipped, ['region us-west-2: its price list has no price of a Linux machine']);
});

test('an index without regions is no empty success', async () => {
  await using cloud = await ec2({});
  await assert.rejects(cloud.collect(), /names no region/);
});

test('a price list in another form is an error that names what is missing', async () => {
  const columns = ['SKU', 'TermType', 'Unit', 'Currency'];
  await using changed = await ec2({ 'us-east-1': { body: priceList('us-east-1', [M5_LARGE], columns) } });
  await assert.rejects(changed.collect(), /has no column "tenancy"/);
  await using page = await ec2({ 'us-east-1': webPage() });
  await assert.rejects(page.collect(), /ended before its header/);
  await using long = await ec2({ 'us-east-1': { body: '<html>\n\n\n\n\n<body>\nBack soon\n' } });
  await assert.rejects(long.collect(), /line 6 should be its header/);
});

test('a changed field of the spot feed is an error that names it, and a web page is one', async () => {
  await using cloud = await ec2({ 'us-east-1': list('us-east-1', M5_LARGE) });
  cloud.server.on('GET /spot.json', { json: { config: { rate: 'perhr', regions: [{ name: 'us-east' }] } } });
  await assert.rejects(cloud.collect(), /`config\.regions\.0\.region`/);
  cloud.server.on('GET /spot.json', webPage());
  await assert.rejects(cloud.collect(), /a web page that is no JSON/);
});

test('spot prices of what is not sold, or not known, make no offer', async () => {
  await using cloud = await ec2({ 'us-east-1': list('us-east-1', M5_LARGE) });
  const feed = spotFeed({ 'us-east': { 'm5.large': 'N/A*', 'x9.large': '0.1' }, 'apac-tokyo': { 'm5.large': '0.04' } });
  cloud.server.on('GET /spot.json', { json: feed });
  const offers = await cloud.collect();
  assert.deepEqual(names(offers), ['m5.large ap-northeast-1 spot 0.04', 'm5.large us-east-1 on-demand 0.096']);
  assert.deepEqual(cloud.skipped, ['x9.large as spot: the price list does not say what it is']);
});

function history(
  items: readonly (readonly [type: string, zone: string, price: string, time?: string])[],
  nextToken = '',
): string {
  const xml = items.map(
    ([type, zone, price, time = '2026-01-01T00:00:00.000Z']) =>
      `<item><instanceType>${type}</instanceType><productDescription>Linux/UNIX</productDescription>` +
      `<spotPrice>${price}</spotPrice><timestamp>${time}</timestamp><availabilityZone>${zone}</availabilityZone></item>`,
  );
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    '<DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId>' +
    `<spotPriceHistorySet>${xml.join('')}</spotPriceHistorySet><nextToken>${nextToken}</nextToken></DescribeSpotPriceHistoryResponse>`
  );
}

test('with credentials every zone keeps its own spot price, over all pages, the latest one', async () => {
  await using cloud = await ec2({ 'us-east-1': list('us-east-1', M5_LARGE) });
  cloud.server.on('GET /', ({ query }) => {
    if (query.get('NextToken') === null) {
      const old = ['m5.large', 'us-east-1a', '0.09', '2025-12-31T00:00:00.000Z'] as const;
      return { body: history([['m5.large', 'us-east-1a', '0.03'], old], 'a+b/c&amp;d==') };
    }
    assert.equal(query.get('NextToken'), 'a+b/c&d==');
    return {
      body: history([
        ['m5.large', 'us-east-1b', '0.04'],
        ['m5.large', 'us-east-1-atl-2a', '0.05'],
      ]),
    };
  });
  const offers = await cloud.collect(KEY);
  assert.deepEqual(names(offers), [
    'm5.large us-east-1 on-demand 0.096',
    'm5.large us-east-1-atl-2a spot 0.05',
    'm5.large us-east-1a spot 0.03',
    'm5.large us-east-1b spot 0.04',
  ]);
  const [request] = cloud.server.asked('GET /');
  assert.match(
    String(request?.headers['authorization']),
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20260105\/us-east-1\/ec2\//,
  );
  assert.equal(offers.find((offer) => offer.zone === 'us-east-1-atl-2a')?.region, 'us-east-1-atl-2');
});

test('a region that the account has not enabled has its spot prices from the public feed', async () => {
  const lists = { 'us-east-1': list('us-east-1', M5_LARGE), 'af-south-1': list('af-south-1', M5_LARGE) };
  await using cloud = await ec2(lists);
  cloud.server.on('GET /spot.json', {
    json: spotFeed({ 'us-east': { 'm5.large': '1' }, 'af-south-1': { 'm5.large': '2' } }),
  });
  cloud.server.on('GET /', ({ headers }) =>
    String(headers['authorization']).includes('/af-south-1/')
      ? { status: 401, body: '<Response><Errors><Error><Code>AuthFailure</Code></Error></Errors></Response>' }
      : { body: history([['m5.large', 'us-east-1a', '0.03']]) },
  );
  const offers = await cloud.collect(KEY);
  assert.deepEqual(names(offers.filter((offer) => offer.capacityType === 'spot')), [
    'm5.large af-south-1 spot 2',
    'm5.large us-east-1a spot 0.03',
  ]);
  assert.deepEqual(
    cloud.skipped.map((told) => told.split(':')[0]),
    ['spot prices by zone in af-south-1'],
  );
});

test('an access key that is refused everywhere is an error and not a list with less in it', async () => {
  await using cloud = await ec2({ 'us-east-1': list('us-east-1', M5_LARGE) });
  cloud.server.on('GET /', { status: 401, body: '<Code>AuthFailure</Code>' });
  await assert.rejects(cloud.collect(KEY), { code: 'unauthenticated' });
});

test('files are read a few at a time', async () => {
  await using cloud = await ec2(twelve());
  await cloud.collect();
  assert.equal(cloud.server.busiest <= 4, true);
});

// Past what an answer may have that is held in memory.
test('a file of any size is read line by line', async () => {
  await using cloud = await ec2({ 'us-east-1': list('us-east-1', M5_LARGE) });
  const whole = priceList('us-east-1', [M5_LARGE, { ...M5_LARGE, TermType: 'Reserved' }]);
  const reserved = `${whole.slice(whole.lastIndexOf('\n') + 1)}\n`;
  const chunk = reserved.repeat(2000);
  const chunks = Math.ceil((66 * 1024 ** 2) / chunk.length);
  const body = [`${whole}\n`, ...Array.from({ length: chunks }, () => chunk)];
  cloud.server.on(routeOf('us-east-1'), { body });
  assert.deepEqual(names(await cloud.collect()), [
    'm5.large us-east-1 on-demand 0.096',
    'm5.large us-east-1 spot 0.035',
  ]);
});

test('the deadline ends a file that stops in the middle', async () => {
  await using cloud = await ec2({ 'us-east-1': list('us-east-1', M5_LARGE) });
  const body = [priceList('us-east-1', [M5_LARGE]), '\n'];
  cloud.server.on(routeOf('us-east-1'), { body, pauseMs: Number.POSITIVE_INFINITY });
  await assert.rejects(cloud.collect(null, AbortSignal.timeout(200)), { name: 'TimeoutError' });
});
