import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlaceableInstance, Placement, PlacementInput } from './place.ts';
import { place } from './place.ts';
import {
  ANYTHING,
  atLeast,
  device,
  exactly,
  GIB,
  gpu,
  instance,
  offer,
  placement,
  resources,
} from './placement.fixture.ts';
import { formatRefusals } from './refusals.ts';

function taken(result: Placement): string[] {
  if (result.kind === 'none') assert.fail(formatRefusals(result.because));
  return result.assignments.map((one) => (one.kind === 'instance' ? one.instance.id : one.offer.id));
}

const placed = (input: Partial<PlacementInput<PlaceableInstance>>) => taken(place(placement(input)));

function refusal(input: Partial<PlacementInput<PlaceableInstance>>): string {
  const result = place(placement(input));
  if (result.kind === 'placed') assert.fail('placed');
  return formatRefusals(result.because);
}

const cheap = offer({ instanceType: 'cheap', pricePerHour: 0.01 });
const dear = offer({ instanceType: 'dear', pricePerHour: 5 });

test('an idle instance comes before a cheaper new one', () => {
  assert.deepEqual(placed({ instances: [instance('a', { pricePerHour: 30 })], offers: [cheap] }), ['a']);
});

test('of idle instances the cheapest is taken, then the longest idle, then the oldest, then by id', () => {
  const a = instance('a', { pricePerHour: 2, idleSince: 10, createdAt: 5 });
  assert.deepEqual(placed({ instances: [a, instance('b', { pricePerHour: 1, idleSince: 99 })] }), ['b']);
  assert.deepEqual(placed({ instances: [a, instance('b', { ...a, idleSince: 9 })] }), ['b']);
  assert.deepEqual(placed({ instances: [a, instance('b', { ...a, createdAt: 4 })] }), ['b']);
  assert.deepEqual(placed({ instances: [instance('b', a), a] }), ['a']);
});

test('of offers the cheapest is taken, then what is surely there, then by id', () => {
  assert.deepEqual(placed({ offers: [dear, cheap] }), [cheap.id]);
  const unknown = offer({ instanceType: 'a', availability: 'unknown' });
  const available = offer({ instanceType: 'b', availability: 'available' });
  assert.deepEqual(placed({ offers: [unknown, available] }), [available.id]);
  const [x, y] = [offer({ instanceType: 'x' }), offer({ instanceType: 'y' })];
  assert.deepEqual(placed({ offers: [y, x] }), [x.id]);
});

test('what is out of stock, without quota or in use is passed over, and named when nothing else is left', () => {
  const gone = offer({ instanceType: 'gone', pricePerHour: 0.001, availability: 'not-available' });
  const barred = offer({ instanceType: 'barred', pricePerHour: 0.001, availability: 'no-quota' });
  const busy = offer({ instanceType: 'busy', pricePerHour: 0.001, availability: 'busy' });
  assert.deepEqual(placed({ offers: [gone, barred, busy, dear] }), [dear.id]);
  assert.equal(
    refusal({ offers: [gone, barred, busy, gone] }),
    '2 offers: out of stock; 1 offer: in use; 1 offer: the account has no quota for them',
  );
});

test('an offer that failed is avoided until its time is up', () => {
  const avoidOffers = { [cheap.id]: 2000 };
  assert.deepEqual(placed({ offers: [cheap, dear], avoidOffers, now: 1999 }), [dear.id]);
  assert.deepEqual(placed({ offers: [cheap, dear], avoidOffers, now: 2000 }), [cheap.id]);
});

test('when all that fits is avoided, the answer says when the first may be tried again', () => {
  const result = place(
    placement({ offers: [cheap, dear], avoidOffers: { [cheap.id]: 3000, [dear.id]: 2500 }, now: 0 }),
  );
  assert.deepEqual(result, {
    kind: 'none',
    because: [{ of: 'offers', count: 2, reason: 'failed a short while ago' }],
    retryAt: 2500,
  });
});

test('nothing is to be waited for when an avoided offer does not fit, or no machine may be made', () => {
  const avoidOffers = { [cheap.id]: 3000 };
  const small = place(
    placement({ offers: [cheap], avoidOffers, now: 0, requirements: { ...ANYTHING, cpu: atLeast(99) } }),
  );
  assert.equal('retryAt' in small, false);
  const reuse = place(placement({ offers: [cheap], avoidOffers, now: 0, creationPolicy: 'reuse' }));
  assert.equal('retryAt' in reuse, false);
});

test('the policy `reuse` makes no machine', () => {
  assert.deepEqual(placed({ instances: [instance('a')], offers: [cheap], creationPolicy: 'reuse' }), ['a']);
  assert.equal(
    refusal({ offers: [cheap], creationPolicy: 'reuse' }),
    '1 offer: fit, but the creation policy `reuse` lets no machine be made',
  );
});

test('a fleet that is full makes no machine', () => {
  assert.equal(refusal({ offers: [cheap], maxNewInstances: 0 }), '1 offer: fit, but no more machine may be made');
  assert.equal(
    refusal({ nodes: 3, offers: [cheap], maxNewInstances: 2 }),
    '1 offer: fit, but only 2 more machines may be made',
  );
  assert.deepEqual(placed({ nodes: 3, instances: [instance('a')], offers: [cheap], maxNewInstances: 2 }).length, 3);
});

test('only instances of the named fleets are used', () => {
  const instances = [instance('a', { fleet: 'one' }), instance('b', { fleet: 'two', pricePerHour: 9 }), instance('c')];
  assert.deepEqual(placed({ instances, fleets: ['two'] }), ['b']);
  assert.equal(
    refusal({ instances, fleets: ['three'], creationPolicy: 'reuse', offers: [dear] }),
    '1 instance: in fleet one, which the configuration excludes; ' +
      '1 instance: in fleet two, which the configuration excludes; ' +
      '1 instance: in no fleet, which the configuration excludes; ' +
      '1 offer: fit, but the creation policy `reuse` lets no machine be made',
  );
});

test('a busy instance is not taken', () => {
  const busy = instance('a', { busyBlocks: 1, idleSince: null });
  assert.deepEqual(placed({ instances: [busy], offers: [dear] }), [dear.id]);
  assert.equal(refusal({ instances: [busy] }), '1 instance: in use; no backend offers anything');
});

test('without an instance or an offer the answer still says why', () => {
  assert.equal(refusal({}), 'no backend offers anything');
});

test('what does not fit is told in groups, the most frequent first', () => {
  const requirements = { ...ANYTHING, memoryMiB: atLeast(64 * GIB), backends: ['aws'] };
  const small = (gib: number) => offer({ resources: resources({ memoryMiB: gib * GIB }) });
  assert.equal(
    refusal({
      requirements,
      instances: [instance('a')],
      offers: [offer({ backend: 'gcp' }), offer({ backend: 'gcp' }), small(15), small(15), small(15)],
    }),
    '1 instance: memory 32 GiB < 64 GiB; 3 offers: memory 15 GiB < 64 GiB; ' +
      '2 offers: in backend gcp, which the configuration excludes',
  );
});

const H100S = resources({ cpus: 96, memoryMiB: 768 * GIB, accelerators: [device('H100', 8, 80)] });
const shared = (id: string, busyBlocks: number) =>
  instance(id, {
    resources: H100S,
    totalBlocks: 8,
    busyBlocks,
    idleSince: busyBlocks === 0 ? 0 : null,
    pricePerHour: 16,
  });

test('a job takes the fewest blocks that fit, at their share of the price', () => {
  const requirements = { ...ANYTHING, gpu: gpu({ names: ['H100'], count: exactly(2) }), maxPricePerHour: 4 };
  const result = place(placement({ requirements, instances: [shared('a', 6)] }));
  assert.deepEqual(result.kind === 'placed' && result.assignments, [
    { kind: 'instance', node: 0, instance: shared('a', 6), blocks: 2 },
  ]);
  assert.equal(result.kind === 'placed' && result.pricePerHour, 4);
});

test('blocks follow what is scarcest: memory of four of eight blocks takes four', () => {
  const requirements = { ...ANYTHING, memoryMiB: atLeast(300 * GIB) };
  const result = place(placement({ requirements, instances: [shared('a', 4)] }));
  assert.equal(
    result.kind === 'placed' && result.assignments[0]?.kind === 'instance' && result.assignments[0].blocks,
    4,
  );
  assert.match(refusal({ requirements, instances: [shared('a', 5)] }), /^1 instance: in use/);
});

test('a whole machine that is too much for an exact wish is shared instead', () => {
  const requirements = { ...ANYTHING, gpu: gpu({ count: exactly(1) }) };
  assert.deepEqual(placed({ requirements, instances: [shared('a', 0)] }), ['a']);
  const whole = instance('b', { resources: H100S });
  assert.match(refusal({ requirements, instances: [whole] }), /^1 instance: GPUs 8 > 1/);
});

test('nodes that are not alone take whole instances', () => {
  const requirements = { ...ANYTHING, gpu: gpu({ count: atLeast(1) }) };
  const instances = [shared('a', 0), shared('b', 1), shared('c', 0)];
  const result = place(placement({ nodes: 2, requirements, instances }));
  assert.deepEqual(taken(result), ['a', 'c']);
  assert.ok(result.kind === 'placed' && result.assignments.every((one) => one.kind === 'instance' && one.blocks === 8));
});

test('several nodes are placed in one backend and region, or not at all', () => {
  const at = (id: string, region: string) => instance(id, { region });
  const instances = [at('a', 'eu'), at('b', 'us'), at('c', 'us')];
  assert.deepEqual(placed({ nodes: 2, instances }), ['b', 'c']);
  assert.equal(
    refusal({ nodes: 3, instances }),
    '3 instances: fit, but one backend and region has at most 2 for 3 nodes; no backend offers anything',
  );
  // Regions of two backends that share a name are two places.
  assert.equal(
    place(placement({ nodes: 2, instances: [instance('a', { backend: 'x' }), instance('b', { backend: 'y' })] })).kind,
    'none',
  );
});

test('idle instances are filled up with new machines beside them', () => {
  const here = offer({ region: 'us', pricePerHour: 3 });
  const elsewhere = offer({ region: 'eu', pricePerHour: 0.01 });
  const result = place(
    placement({ nodes: 3, instances: [instance('a', { region: 'us' })], offers: [elsewhere, here] }),
  );
  assert.deepEqual(taken(result), ['a', here.id, here.id]);
  assert.equal(result.kind === 'placed' && result.pricePerHour, 6.4);
});

test('of places that need as many new machines, the cheapest for all nodes is taken', () => {
  const eu = offer({ region: 'eu', pricePerHour: 1 });
  const us = offer({ region: 'us', pricePerHour: 2 });
  assert.deepEqual(placed({ nodes: 2, offers: [us, eu] }), [eu.id, eu.id]);
  const instances = [
    instance('a', { region: 'eu', pricePerHour: 9 }),
    instance('b', { region: 'us', pricePerHour: 1 }),
  ];
  assert.deepEqual(placed({ nodes: 2, instances, offers: [eu, us] }), ['b', us.id]);
});

test('of places that cost the same, the one that surely has machines is taken', () => {
  const eu = offer({ region: 'eu', availability: 'unknown' });
  const us = offer({ region: 'us', availability: 'available' });
  assert.deepEqual(placed({ nodes: 2, offers: [eu, us] }), [us.id, us.id]);
});
