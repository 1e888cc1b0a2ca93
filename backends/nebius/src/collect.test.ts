import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { normalizeOffer } from '@berth/catalog/normalize';
import { gpuLabel } from './collect.ts';
import { ServiceAccountSchema } from './credentials.ts';
import {
  collected,
  container,
  cost,
  ESTIMATE,
  estimated,
  list,
  PLATFORM_LIST,
  PRIVATE_KEY,
  PROJECTS,
  TENANTS,
} from './nebius.fixture.ts';
import { field, message } from './protobuf.ts';

const { offers, skipped, requests, busiest } = await collected();

function offerOf(instanceType: string, capacityType = 'on-demand'): CollectedOffer {
  const found = offers.filter((offer) => offer.instanceType === instanceType && offer.capacityType === capacityType);
  assert.equal(found.length, 1, `${instanceType} ${capacityType}`);
  return found[0] as CollectedOffer; // the assertion above
}

function normalized(instanceType: string, capacityType?: string) {
  const result = normalizeOffer(offerOf(instanceType, capacityType), {
    backend: 'nebius',
    source: 'nebius',
    collectedAt: 0,
  });
  assert.ok(result.ok);
  assert.equal(result.unmapped, null);
  const { id, pricePerHour, cpus, memoryMiB, country } = result.offer;
  return [id, pricePerHour, cpus, memoryMiB / 1024, country];
}

test('every preset of every platform has the price that the calculator tells', () => {
  assert.deepEqual(normalized('gpu-h100-sxm 8gpu-128vcpu-1600gb'), [
    'nebius/eu-north1/-/gpu-h100-sxm 8gpu-128vcpu-1600gb/on-demand/H100:80GB:8',
    23.6,
    128,
    1600,
    'FI',
  ]);
  assert.deepEqual(normalized('cpu-d3 4vcpu-16gb'), [
    'nebius/eu-north1/-/cpu-d3 4vcpu-16gb/on-demand',
    0.1,
    4,
    16,
    'FI',
  ]);
  assert.deepEqual(
    normalized('gpu-b200-sxm-a 8gpu-160vcpu-1792gb')[0],
    'nebius/me-west1/-/gpu-b200-sxm-a 8gpu-160vcpu-1792gb/on-demand/B200:180GB:8',
  );
  assert.deepEqual(skipped, []);
});

test('B300 has the memory that the registry knows, whatever the platform counts as a gigabyte', () => {
  assert.match(String(normalized('gpu-b300-sxm 8gpu-192vcpu-2768gb')[0]), /B300:270GB:8$/);
});

test('rtx6000 is the RTX PRO 6000, and the letter after a platform is no part of the device', () => {
  assert.match(String(normalized('gpu-rtx6000 1gpu-24vcpu-218gb')[0]), /RTXPRO6000:96GB:1$/);
  assert.equal(gpuLabel('gpu-l40s-d'), 'l40s');
  assert.equal(gpuLabel('gpu-b200-sxm-a'), 'b200-sxm');
  assert.equal(gpuLabel('gpu-h100-sxm'), 'h100-sxm');
});

test('spot is there only where the platform allows it, at the price of a preemptible machine', () => {
  assert.equal(offerOf('gpu-h100-sxm 1gpu-16vcpu-200gb', 'spot').pricePerHour, 2.95 / 2);
  const spots = new Set(
    offers.filter(({ capacityType }) => capacityType === 'spot').map(({ providerData }) => providerData?.['platform']),
  );
  assert.deepEqual(spots, new Set(['gpu-h100-sxm', 'gpu-l40s-d', 'gpu-b200-sxm-a']));
});

test('machines that can be joined have InfiniBand and the names of their fabrics; others have none', () => {
  const eight = offerOf('gpu-h100-sxm 8gpu-128vcpu-1600gb');
  assert.equal(eight.interconnect, 'InfiniBand');
  assert.deepEqual(eight.providerData, {
    platform: 'gpu-h100-sxm',
    preset: '8gpu-128vcpu-1600gb',
    fabrics: ['fabric-2', 'fabric-3', 'fabric-4', 'fabric-6'],
  });
  const one = offerOf('gpu-h100-sxm 1gpu-16vcpu-200gb');
  assert.equal(one.interconnect, null);
  assert.equal(one.providerData?.['fabrics'], undefined);
  assert.deepEqual(offerOf('gpu-b300-sxm 8gpu-192vcpu-2768gb').providerData?.['fabrics'], ['uk-south1-a']);
});

test('pages are read to their end, and one project of a region is enough', () => {
  const asked = requests
    .filter(({ method }) => method === PLATFORM_LIST)
    .map(({ message: request }) => request.text(3));
  assert.deepEqual(asked, ['project-north', 'project-israel', 'project-britain']);
});

test('prices are asked for several at a time, and not too many', () => {
  assert.ok(busiest > 1 && busiest <= 8, String(busiest));
  assert.ok(requests.every(({ authorization }) => authorization === 'Bearer v1.secret'));
});

test('a tenant that is named is the one that is asked', async () => {
  const account = ServiceAccountSchema.parse({
    service_account_id: 'serviceaccount-1',
    public_key_id: 'publickey-1',
    private_key: PRIVATE_KEY,
    tenant_id: 'tenant-7',
  });
  const found = await collected({}, account);
  assert.equal(
    found.requests.some(({ method }) => method === TENANTS),
    false,
  );
  assert.equal(found.requests.find(({ method }) => method === PROJECTS)?.message.text(1), 'tenant-7');
});

test('a call that comes too fast is repeated', async () => {
  const found = await collected({
    [TENANTS]: ({ before }) => (before === 0 ? { status: 8, message: 'slow down' } : list([container('tenant-1')])),
  });
  assert.equal(found.offers.length, offers.length);
});

test('one price that nobody tells is told as left out; a quarter of them are too many', async () => {
  const without = (pattern: RegExp) => ({
    [ESTIMATE]: (request: Parameters<typeof estimated>[0]) =>
      pattern.test(estimated(request).type) ? { status: 3, message: 'no SKU' } : cost('1'),
  });
  const found = await collected(without(/^cpu-d3/));
  assert.equal(found.skipped.length, 1);
  assert.match(found.skipped[0] ?? '', /^cpu-d3 4vcpu-16gb in eu-north1: .*status 3: no SKU/);
  assert.equal(found.offers.length, offers.length - 1);
  await assert.rejects(collected(without(/^gpu-h100/)), /no price for 4 of 11 machines/);
});

test('a price of zero is no price', async () => {
  const found = await collected({
    [ESTIMATE]: (request) => cost(estimated(request).type.startsWith('cpu') ? '0' : '1'),
  });
  assert.match(found.skipped[0] ?? '', /its price is 0/);
});

test('a key that is refused fails the list; so does a list that fails', async () => {
  await assert.rejects(collected({ [ESTIMATE]: () => ({ status: 16 }) }), { code: 'auth' });
  await assert.rejects(
    collected({ [PLATFORM_LIST]: ({ before }) => (before > 0 ? { status: 13 } : list([])) }),
    /PlatformService\/List answered with status 13/,
  );
});

test('an account without projects, and projects without machines, are errors', async () => {
  await assert.rejects(collected({ [PROJECTS]: () => list([]) }), { code: 'no-offers' });
  await assert.rejects(collected({ [PLATFORM_LIST]: () => list([]) }), { code: 'no-offers' });
});

test('a field of another number is named', async () => {
  const nameless = message(field(1, message(field(9, 'gpu-h100-sxm'))), field(2, message()));
  await assert.rejects(collected({ [PLATFORM_LIST]: () => list([nameless]) }), /`items\.0\.metadata\.name` is missing/);
  await assert.rejects(
    collected({ [PROJECTS]: () => list([container('project-1')]) }),
    /`items\.0\.status\.region` is missing/,
  );
  await assert.rejects(collected({ [ESTIMATE]: () => message(field(11, 'x')) }), /no price for 11 of 11/);
});

test('a page that leads to itself ends', async () => {
  await assert.rejects(
    collected({ [PROJECTS]: () => list([container('p', 'eu-north1')], 'again') }),
    /same page twice/,
  );
});
