import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ErrorScope } from '@berth/backend';
import type { FailureRow } from '@berth/store';
import { covers, failureOf, heldBy } from './failures.ts';
import { inWorld } from './testing/in-world.ts';
import { instanceRow, MINUTE, NOW } from './testing/rows.ts';
import { SimCloud, simOffer } from './testing/sim-cloud.ts';
import { taskSpec } from './testing/specs.ts';

const machine = instanceRow({ region: 'r1', zone: 'r1a' });

function remembered(code: FailureRow['code'], scope: ErrorScope, before: FailureRow | null = null): FailureRow {
  const refusal = { code, scope, message: 'no', retryAfterMs: null };
  return { ...failureOf(machine, refusal, before, NOW), version: 1 };
}

describe('a refusal', () => {
  test('covers exactly what its scope says', () => {
    const here = {
      backend: 'sim',
      region: 'r1',
      zone: 'r1a',
      instanceType: 'small',
      capacityType: 'on-demand',
    } as const;
    const elsewhere = {
      'another zone': { ...here, zone: 'r1b' },
      'another region': { ...here, region: 'r2', zone: 'r2a' },
      'another type': { ...here, instanceType: 'large' },
      'another capacity type': { ...here, capacityType: 'spot' as const },
      'another backend': { ...here, backend: 'west' },
    };
    const covered = (scope: ErrorScope): string[] => {
      const failure = remembered('no-capacity', scope);
      assert.ok(covers(failure, here));
      return Object.entries(elsewhere).flatMap(([name, place]) => (covers(failure, place) ? [name] : []));
    };
    assert.deepEqual(covered('zone'), []);
    assert.deepEqual(covered('region'), ['another zone']);
    assert.deepEqual(covered('type'), ['another zone', 'another region']);
    const all = ['another zone', 'another region', 'another type', 'another capacity type'];
    assert.deepEqual(covered('account'), all);
    assert.deepEqual(covered('cloud'), all);
  });

  test('for wrong credentials covers every type of the region that it names', () => {
    assert.ok(covers(remembered('auth', 'region'), { ...machine, zone: null, instanceType: 'large' }));
  });

  test('is believed longer when it comes again, up to half an hour; and from the beginning when it is long ago', () => {
    const minutes = (row: FailureRow): number => (row.until - NOW) / MINUTE;
    const first = remembered('no-capacity', 'type');
    const second = remembered('no-capacity', 'type', first);
    const tenth = remembered('no-capacity', 'type', { ...second, count: 9 });
    const late = remembered('no-capacity', 'type', { ...tenth, until: NOW - 61 * MINUTE });
    assert.deepEqual([first, second, tenth, late].map(minutes), [5, 10, 30, 5]);
  });

  test('is believed as long as the cloud says, but not for days', () => {
    const until = (retryAfterMs: number): number =>
      failureOf(machine, { code: 'quota', scope: 'account', message: '', retryAfterMs }, null, NOW).until - NOW;
    assert.deepEqual([until(1_000), until(48 * 60 * MINUTE)], [1_000, 6 * 60 * MINUTE]);
  });

  test('says where, since when and until when', () => {
    const failure = { ...remembered('no-capacity', 'zone'), at: NOW - 3 * MINUTE, until: NOW + 2 * MINUTE };
    const offer = simOffer({ region: 'r1', zone: 'r1a' });
    assert.equal(heldBy([failure], offer, NOW)?.reason, 'out of stock in r1a since 3m, tried again in 2m');
  });
});

describe('what one run learns', () => {
  inWorld(
    'the next one does not ask for again, and its plan says why',
    async (world) => {
      world.cloud.capacityOf.set('cheap', 0);
      await world.apply({ name: 'first' });
      await world.advance(MINUTE);
      const creates = world.cloud.count('create');
      const plan = await world.engine.planRun(
        world.project,
        taskSpec({ name: 'second', requirements: taskSpec().requirements }),
      );
      const cheap = plan.offers.offers.find(({ instanceType }) => instanceType === 'cheap');
      assert.equal(cheap?.availability, 'not-available');
      assert.match(plan.offers.sources[0]?.message ?? '', /^cheap: out of stock since 1m, tried again in 4m$/);
      await world.apply({ name: 'second', idleDurationMs: 0, requirements: { ...taskSpec().requirements } });
      await world.advance(MINUTE);
      assert.ok(world.cloud.count('create') - creates <= 1, 'the offer that is out of stock is not asked for');
    },
    {
      clouds: (clock) => [
        new SimCloud(clock, 'sim', [
          { instanceType: 'cheap', pricePerHour: 1 },
          { instanceType: 'dear', pricePerHour: 2 },
        ]),
      ],
    },
  );

  inWorld('is forgotten when a machine is given back that was in the way', async (world) => {
    world.agents.behave = () => ({ afterMs: 60_000 });
    world.cloud.capacity = 1;
    await world.apply({ name: 'first', idleDurationMs: 0 });
    await world.advance(10_000);
    await world.apply({ name: 'second', retry: null });
    await world.advance(10_000);
    assert.equal(await world.store.read.failures.count(), 1);
    await world.advance(60_000);
    assert.equal(await world.store.read.failures.count(), 0);
  });

  inWorld('about credentials is forgotten when somebody changes the backend', async (world) => {
    world.cloud.faults.create.push('auth');
    await world.apply();
    await world.advance(10_000);
    assert.equal(await world.store.read.failures.count(), 1);
    for (const listener of world.backendListeners) listener(world.project);
    await world.advance(10);
    assert.equal(await world.store.read.failures.count(), 0);
  });
});
