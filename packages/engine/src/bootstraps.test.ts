/** What machines of a place share: there before the first, gone after the last, made once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BackendError, type BootstrapFacet } from '@berth/backend';
import type { BootstrapRow } from '@berth/store';
import { decideBootstrap } from './bootstraps.ts';
import type { UsableBackend } from './ports.ts';
import { inWorld } from './testing/in-world.ts';
import { NOW } from './testing/rows.ts';
import { SimCloud } from './testing/sim-cloud.ts';

const MINUTE = 60_000;

class Networked extends SimCloud {
  readonly done: string[] = [];
  network: string | null = null;
  failing: BackendError[] = [];
  readonly told: unknown[] = [];
  readonly #facet: BootstrapFacet = {
    whenUnused: 'remove',
    ensure: async (region) => {
      const error = this.failing.shift();
      if (error !== undefined) throw error;
      this.done.push(`ensure ${region}`);
      this.network ??= `net-${this.done.length}`;
      return { subnet: this.network };
    },
    remove: async (region) => {
      if (this.alive.length > 0) throw new BackendError('transient', 'it is in use');
      this.done.push(`remove ${region}`);
      this.network = null;
    },
  };

  override backend(): UsableBackend {
    const backend = super.backend();
    const create: UsableBackend['compute']['create'] = (request, call) => {
      this.told.push(request.shared?.['subnet']);
      return backend.compute.create(request, call);
    };
    return { ...backend, facets: ['bootstrap'], compute: { ...backend.compute, create, bootstrap: this.#facet } };
  }
}

function networked(
  claim: string,
  play: (cloud: Networked, world: Parameters<Parameters<typeof inWorld>[1]>[0]) => Promise<void>,
): void {
  inWorld(claim, async (world) => play(world.cloud as Networked, world), {
    clouds: (clock) => [new Networked(clock)],
  });
}

describe('what machines of a place share', () => {
  networked('is made once, is told to every machine, and goes after the last one', async (cloud, world) => {
    await world.apply({ name: 'two', nodes: 2, idleDurationMs: MINUTE });
    await world.apply({ name: 'third', idleDurationMs: MINUTE });
    await world.advance(10_000);
    assert.deepEqual(cloud.done, ['ensure r1']);
    assert.deepEqual(cloud.told, ['net-1', 'net-1', 'net-1']);
    const [row] = await world.store.read.bootstraps.find();
    assert.deepEqual([row?.status, row?.data], ['ready', { subnet: 'net-1' }]);
    await world.advance(5 * MINUTE);
    assert.deepEqual(cloud.done, ['ensure r1', 'remove r1']);
    assert.deepEqual(await world.store.read.bootstraps.find(), []);
  });

  networked('that cannot be made is tried again, and no machine is asked for before', async (cloud, world) => {
    cloud.failing.push(new BackendError('unknown', 'no answer'), new BackendError('transient', 'not now'));
    const run = await world.apply();
    await world.advance(500);
    assert.equal(cloud.count('create'), 0);
    await world.advance(20_000);
    assert.equal((await world.run(run.id)).status, 'done');
  });

  networked('that is refused fails the creation with the cloud’s own words', async (cloud, world) => {
    cloud.failing.push(new BackendError('auth', 'no right to make networks'));
    const run = await world.apply();
    await world.advance(20_000);
    assert.match((await world.run(run.id)).message ?? '', /no right to make networks/);
    assert.equal(cloud.count('create'), 0);
  });

  networked('survives a crash between the books and the cloud', async (cloud, world) => {
    world.life.doom({ after: 4 });
    const run = await world.apply({ idleDurationMs: 0 });
    await world.advance(10 * MINUTE);
    assert.equal((await world.run(run.id)).status, 'done');
    assert.equal(cloud.network, null);
    assert.deepEqual(await world.store.read.bootstraps.find(), []);
  });
});

test('what is left on purpose, or in use, or of a backend that is away, is left', () => {
  const row: BootstrapRow = {
    id: 'p1/sim/r1',
    projectId: 'p1' as BootstrapRow['projectId'],
    backend: 'sim',
    region: 'r1',
    status: 'removing',
    data: {},
    attempts: 0,
    nextAttemptAt: NOW,
    lastError: null,
    createdAt: NOW,
    version: 1,
  };
  const effects = (users: number, whenUnused: 'remove' | 'keep' | null): number =>
    decideBootstrap({ row, users, whenUnused }, NOW).effects.length;
  assert.deepEqual([effects(0, 'remove'), effects(1, 'remove'), effects(0, 'keep'), effects(0, null)], [1, 0, 0, 0]);
});
