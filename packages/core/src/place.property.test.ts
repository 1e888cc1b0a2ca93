import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { candidateOfBlocks } from './blocks.ts';
import { matches } from './match.ts';
import { type PlaceableInstance, type Placement, type PlacementInput, place } from './place.ts';
import { arbitraryPlacement } from './placement.fixture.ts';
import { isChoosable } from './rank.ts';

type Input = PlacementInput<PlaceableInstance>;
type Placed = Extract<Placement, { kind: 'placed' }>;

const RUNS = { numRuns: 1000 };

/** Checks every placement of arbitrary worlds, and that enough of the worlds end in one. */
function always(check: (input: Input, result: Placed) => void): void {
  let placements = 0;
  fc.assert(
    fc.property(arbitraryPlacement, (input) => {
      const result = place(input);
      if (result.kind === 'none') return;
      placements++;
      check(input, result);
    }),
    RUNS,
  );
  assert.ok(placements > RUNS.numRuns / 10, `only ${placements} placements`);
}

/** What one node could take, by definition: [price, offer or instance]. */
function usableOffers(input: Input) {
  return input.offers.filter(
    (offer) =>
      matches(input.requirements, offer).fits &&
      isChoosable(offer.availability) &&
      !((input.avoidOffers[offer.id] ?? 0) > input.now),
  );
}

function usableInstances(input: Input) {
  return input.instances.flatMap((instance) => {
    if (input.fleets !== null && !input.fleets.includes(instance.fleet ?? '')) return [];
    const { totalBlocks, busyBlocks } = instance;
    const choices = Array.from({ length: totalBlocks }, (_, i) => i + 1).filter(
      (blocks) =>
        (input.nodes === 1 || blocks === totalBlocks) &&
        blocks <= totalBlocks - busyBlocks &&
        matches(input.requirements, candidateOfBlocks(instance, blocks, totalBlocks)).fits,
    );
    const [fewest] = choices;
    return fewest === undefined ? [] : [{ instance, price: (instance.pricePerHour * fewest) / totalBlocks }];
  });
}

test('all nodes are placed, each once, in order', () => {
  always((input, { assignments }) => {
    assert.deepEqual(
      assignments.map((one) => one.node),
      Array.from({ length: input.nodes }, (_, i) => i),
    );
  });
});

test('nothing is placed on what does not fit, is not free, is excluded, avoided or out of stock', () => {
  always((input, { assignments }) => {
    const instances = new Set(usableInstances(input).map(({ instance }) => instance));
    const offers = new Set(usableOffers(input));
    for (const one of assignments) {
      if (one.kind === 'offer') {
        assert.ok(offers.has(one.offer));
      } else {
        const { instance, blocks } = one;
        assert.ok(instances.has(instance));
        assert.ok(blocks >= 1 && blocks <= instance.totalBlocks - instance.busyBlocks);
        assert.ok(matches(input.requirements, candidateOfBlocks(instance, blocks, instance.totalBlocks)).fits);
      }
    }
  });
});

test('no instance is given twice, and no more machines are made than may be', () => {
  always((input, { assignments }) => {
    const instances = assignments.flatMap((one) => (one.kind === 'instance' ? [one.instance.id] : []));
    assert.equal(new Set(instances).size, instances.length);
    const fresh = assignments.length - instances.length;
    assert.ok(fresh <= (input.creationPolicy === 'reuse' ? 0 : (input.maxNewInstances ?? fresh)));
  });
});

test('nodes that are not alone share backend and region, and have their instances to themselves', () => {
  always((input, { assignments }) => {
    if (input.nodes === 1) return;
    const places = assignments.map((one) => (one.kind === 'instance' ? one.instance : one.offer));
    assert.equal(new Set(places.map(({ backend, region }) => `${backend} ${region}`)).size, 1);
    for (const one of assignments) {
      if (one.kind === 'instance') assert.equal(one.blocks, one.instance.totalBlocks);
    }
  });
});

test('a single node takes the cheapest instance that fits, and only without one the cheapest offer', () => {
  always((input, { assignments, pricePerHour }) => {
    if (input.nodes > 1) return;
    const instances = usableInstances(input).map(({ price }) => price);
    const offers = usableOffers(input).map((offer) => offer.pricePerHour);
    assert.equal(assignments[0]?.kind, instances.length > 0 ? 'instance' : 'offer');
    assert.equal(pricePerHour, Math.min(...(instances.length > 0 ? instances : offers)));
  });
});

test('nothing is placed only when no backend and region can hold all nodes', () => {
  fc.assert(
    fc.property(arbitraryPlacement, (input) => {
      if (place(input).kind === 'placed') return;
      const instances = usableInstances(input).map(({ instance }) => instance);
      const offers = usableOffers(input);
      const maxNew = input.creationPolicy === 'reuse' ? 0 : (input.maxNewInstances ?? input.nodes);
      for (const { backend, region } of [...instances, ...offers]) {
        const here = (one: { backend: string; region: string }) => one.backend === backend && one.region === region;
        const room = instances.filter(here).length + (offers.some(here) ? maxNew : 0);
        assert.ok(room < input.nodes, `${backend} ${region} has room`);
      }
    }),
    RUNS,
  );
});

test('of all sites, none needs fewer new machines, and none that needs as many is cheaper', () => {
  always((input, { assignments, pricePerHour }) => {
    if (input.nodes === 1) return;
    const fresh = assignments.filter((one) => one.kind === 'offer').length;
    const instances = usableInstances(input);
    const offers = usableOffers(input);
    const sites = [...instances.map(({ instance }) => instance), ...offers];
    for (const site of sites) {
      const here = (one: { backend: string; region: string }) =>
        one.backend === site.backend && one.region === site.region;
      const prices = instances.filter(({ instance }) => here(instance)).map(({ price }) => price);
      const seats = prices.sort((a, b) => a - b).slice(0, input.nodes);
      const offerPrice = Math.min(...offers.filter(here).map((offer) => offer.pricePerHour));
      const needed = input.nodes - seats.length;
      if (needed > 0 && offerPrice === Number.POSITIVE_INFINITY) continue;
      const total = seats.reduce((a, b) => a + b, needed === 0 ? 0 : needed * offerPrice);
      assert.ok(needed > fresh || (needed === fresh && total >= pricePerHour - 1e-9) || needed < 0);
    }
  });
});

test('the order of instances and offers does not matter', () => {
  const shuffled = arbitraryPlacement.chain((input) =>
    fc.record({
      input: fc.constant(input),
      instances: fc.shuffledSubarray([...input.instances], { minLength: input.instances.length }),
      offers: fc.shuffledSubarray([...input.offers], { minLength: input.offers.length }),
    }),
  );
  fc.assert(
    fc.property(shuffled, ({ input, instances, offers }) => {
      assert.deepEqual(place({ ...input, instances, offers }), place(input));
    }),
    RUNS,
  );
});

test('a refusal gives at least one reason, and a time that has not passed when an avoided offer is to be awaited', () => {
  let refusals = 0;
  fc.assert(
    fc.property(arbitraryPlacement, (input) => {
      const result = place(input);
      if (result.kind === 'placed') return;
      refusals++;
      assert.ok(result.because.length > 0);
      const counted = result.because.reduce((sum, { count }) => sum + count, 0);
      assert.equal(counted, input.instances.length + input.offers.length);
      if (result.retryAt !== undefined) assert.ok(result.retryAt > input.now);
    }),
    RUNS,
  );
  assert.ok(refusals > RUNS.numRuns / 10);
});
