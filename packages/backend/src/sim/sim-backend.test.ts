import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InstanceId } from '@berth/core';
import { Secret } from '@berth/core';
import { BackendError } from '../backend-error.ts';
import type { BackendContext, Call, Compute, CreateRequest } from '../contract.ts';
import { definitionProblems } from '../definition-shape.ts';
import { computeProblems } from '../facet-shape.ts';
import { machineName, ownerTags } from '../machine-name.ts';
import { SIM_BREAKS } from './breaks.ts';
import { Seeded } from './seeded.ts';
import { simBackend } from './sim-backend.ts';
import { SimClock, settle } from './sim-clock.ts';
import { SIM_KEY, SimCloud, type SimCloudOptions } from './sim-cloud.ts';
import { isBilled } from './sim-machine.ts';

const INSTALLATION = 'a1b2c3d4e5f6';
const LOG = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

class Rig {
  readonly clock = new SimClock();
  readonly cloud: SimCloud;
  readonly compute: Compute;
  readonly abort = new AbortController();
  readonly call: Call = { signal: this.abort.signal, log: LOG };

  constructor(options: Partial<SimCloudOptions> = {}, key = SIM_KEY) {
    this.cloud = new SimCloud({ time: this.clock, random: new Seeded(1), ...options });
    // What the simulated backend looks at.
    const context = {
      name: 'sim',
      installation: INSTALLATION,
      config: {},
      credentials: { api_key: new Secret(key) },
      clock: this.clock,
      log: LOG,
    } as unknown as BackendContext<unknown, unknown>;
    this.compute = simBackend(this.cloud).compute(context);
  }

  request(token: string, installation = INSTALLATION): CreateRequest {
    const [offer] = this.cloud.offers;
    assert.ok(offer);
    return {
      instance: 'i1' as InstanceId,
      token,
      name: machineName(installation, token),
      tags: ownerTags({ installation, token, instance: 'i1' }),
      offer,
      agentStart: { kind: 'user-data', script: '#!/bin/sh' },
      shared: null,
      placementGroup: null,
      reservation: null,
    };
  }

  /** What comes of it when everything has had its time. */
  async of<T>(asked: Promise<T>, ms = 60_000): Promise<T> {
    asked.catch(() => {});
    await this.clock.advance(ms);
    await settle();
    return asked;
  }
}

const code = (wanted: string) => (error: unknown) => error instanceof BackendError && error.code === wanted;

test('the definition and its compute have the shape that the contract asks for, whatever rule they break', () => {
  const rig = new Rig();
  assert.deepEqual(definitionProblems(simBackend(rig.cloud)), []);
  assert.deepEqual(computeProblems(rig.compute), []);
  for (const breaks of SIM_BREAKS) {
    const problems = definitionProblems(simBackend(rig.cloud, { breaks }));
    assert.equal(problems.length, breaks === 'C10' ? 1 : 0, `${breaks}: ${problems.join()}`);
  }
});

describe('a token makes one machine', () => {
  for (const fault of [null, 'succeeds-then-times-out', 'answers-twice', { kind: 'slow', ms: 500 }] as const) {
    test(`asked twice at once, the first with ${JSON.stringify(fault)}`, async () => {
      const rig = new Rig();
      if (fault !== null) rig.cloud.faults.push('create', fault);
      const asked = [1, 2].map(() => rig.compute.create(rig.request('t1'), rig.call));
      await rig.of(Promise.allSettled(asked));
      assert.equal((await asked[1])?.cloudId, rig.cloud.machines()[0]?.cloudId);
      assert.equal(rig.cloud.machines().length, 1);
    });
  }

  test('and once that is gone, none', async () => {
    const rig = new Rig();
    await rig.of(rig.compute.create(rig.request('t1'), rig.call));
    for (const machine of rig.cloud.alive) rig.cloud.kill(machine);
    await assert.rejects(rig.of(rig.compute.create(rig.request('t1'), rig.call)), code('config'));
  });
});

test('the list has all pages of all regions, and nobody else’s machines', async () => {
  for (const tags of [true, false]) {
    const rig = new Rig({ tags, offers: [{ region: 'r1' }, { region: 'r2' }] });
    rig.cloud.pageSize = 2;
    for (const [i, offer] of [0, 1, 0, 0, 1, 0, 1].map((at) => rig.cloud.offers[at]).entries()) {
      const request = rig.request(`t${i}`);
      rig.cloud.make({ ...request, clientToken: request.token, offer: offer ?? request.offer });
    }
    for (const installation of ['a1b2c3d4e5f', 'a1b2c3d4e5f60']) {
      rig.cloud.make({ ...rig.request('n1', installation), clientToken: null });
    }
    rig.cloud.make({ ...rig.request('n2'), name: machineName(INSTALLATION, 'N2!'), tags: {}, clientToken: null });
    const listed = await rig.of(rig.compute.list(rig.call));
    assert.deepEqual(listed.map(({ token }) => token).sort(), ['t0', 't1', 't2', 't3', 't4', 't5', 't6']);
  }
});

test('what is terminated is listed and billed until it is gone, and terminating it again is success', async () => {
  const rig = new Rig();
  Object.assign(rig.cloud.times, { terminate: 300_000 });
  const ref = { ...(await rig.of(rig.compute.create(rig.request('t1'), rig.call))), token: 't1' };
  for (let i = 0; i < 2; i++) await rig.of(rig.compute.terminate(ref, rig.call));
  assert.equal((await rig.of(rig.compute.list(rig.call)))[0]?.state, 'terminating');
  await rig.clock.advance(600_000);
  assert.deepEqual(await rig.of(rig.compute.list(rig.call)), []);
  await rig.of(rig.compute.terminate(ref, rig.call));
  const [item] = rig.cloud.bill();
  // One minute until it was asked to go, and five on its way.
  assert.equal((item?.toMs ?? 0) - (item?.fromMs ?? 0), 360_000);
});

test('a list can miss what is young and show what is gone', async () => {
  const rig = new Rig();
  await rig.of(rig.compute.create(rig.request('t1'), rig.call), 1);
  rig.cloud.faults.push('list', 'late');
  assert.deepEqual(await rig.of(rig.compute.list(rig.call), 1), []);
  Object.assign(rig.cloud.times, { listedWhenGone: 60_000 });
  await rig.clock.advance(60_000);
  for (const machine of rig.cloud.alive) rig.cloud.kill(machine);
  rig.cloud.faults.push('list', 'stale');
  assert.equal((await rig.of(rig.compute.list(rig.call), 1))[0]?.state, 'running');
  assert.equal((await rig.of(rig.compute.list(rig.call), 1))[0]?.state, 'terminated');
});

test('a cloud that asks for patience is asked again then; for more patience than that, the caller is told', async () => {
  const rig = new Rig();
  rig.cloud.faults.push(
    'create',
    { kind: 'rate-limited', retryAfterMs: 3_000 },
    { kind: 'unavailable', retryAfterMs: 1 },
  );
  await rig.of(rig.compute.create(rig.request('t1'), rig.call));
  assert.equal(rig.cloud.count('create'), 3);
  rig.cloud.faults.push('list', { kind: 'rate-limited', retryAfterMs: 120_000 });
  await assert.rejects(
    rig.of(rig.compute.list(rig.call)),
    (error) => code('rate-limited')(error) && (error as BackendError).retryAfterMs === 120_000,
  );
});

test('stock, quota, rights and keys are refused by their codes', async () => {
  const rig = new Rig();
  const asked = () => rig.of(rig.compute.create(rig.request('t1'), rig.call));
  rig.cloud.stock.capacityOf.set('small@r1', 0);
  await assert.rejects(asked(), code('no-capacity'));
  rig.cloud.stock.capacityOf.clear();
  rig.cloud.accounts.add('acme', SIM_KEY).quota = 0;
  await assert.rejects(asked(), code('quota'));
  rig.cloud.accounts.add('acme', SIM_KEY).quota = 1;
  rig.cloud.accounts.loseRights(30_000);
  await assert.rejects(asked(), code('auth'));
  await asked();
  const other = new Rig({}, 'other');
  await assert.rejects(other.of(other.compute.list(other.call)), code('auth'));
});

test('a call that is given up ends at once', async () => {
  const rig = new Rig();
  rig.cloud.faults.push('create', 'hangs');
  const asked = rig.compute.create(rig.request('t1'), rig.call);
  await rig.clock.advance(1_000);
  rig.abort.abort();
  await assert.rejects(asked, code('unknown'));
});

test('a spot machine is taken back when its time is over, and nothing else is', async () => {
  const rig = new Rig({ offers: [{ capacityType: 'spot' }, {}] });
  Object.assign(rig.cloud.times, { spotLife: { kind: 'exponential', meanMs: 60_000 } });
  for (const [i, offer] of rig.cloud.offers.entries()) {
    rig.cloud.make({ ...rig.request(`t${i}`), offer, clientToken: null });
  }
  await rig.clock.advance(3_600_000);
  assert.deepEqual(rig.cloud.machines().map(isBilled), [false, true]);
});

test('a stopped machine keeps its name, tags and disk, and comes back elsewhere', async () => {
  const rig = new Rig();
  Object.assign(rig.cloud.times, { stop: 10_000, start: 10_000 });
  const made = await rig.of(rig.compute.create(rig.request('t1'), rig.call));
  const ref = { ...made, token: 't1' };
  for (const turn of ['stop', 'stop', 'start', 'start'] as const)
    await rig.of(rig.compute.suspend?.[turn](ref, rig.call) ?? assert.fail());
  const [again] = await rig.of(rig.compute.list(rig.call));
  assert.deepEqual([again?.cloudId, again?.token, again?.state], [made.cloudId, 't1', 'running']);
  assert.notDeepEqual(again?.address, made.address);
});
