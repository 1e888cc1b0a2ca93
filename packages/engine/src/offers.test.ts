/** Asking for offers: a slow or broken backend costs only itself, and is named. */
import assert from 'node:assert/strict';
import { BackendError, type OffersFacet } from '@berth/backend';
import type { OfferList } from './engine.ts';
import type { UsableBackend } from './ports.ts';
import { inWorld } from './testing/in-world.ts';
import { SimCloud } from './testing/sim-cloud.ts';
import { ANY, taskSpec } from './testing/specs.ts';
import type { World, WorldOptions } from './testing/world.ts';

const CLOUDS: WorldOptions = {
  clouds: (clock) => ['good', 'bad'].map((name, i) => new SimCloud(clock, name, [{ pricePerHour: 2 - i }])),
};

async function ask(world: World): Promise<{ list: OfferList; tookMs: number }> {
  const from = world.clock.now();
  let tookMs = 0;
  const asked = world.engine.offers(world.project, ANY).then((list) => {
    tookMs = world.clock.now() - from;
    return list;
  });
  await world.advance(120_000);
  return { list: await asked, tookMs };
}

inWorld(
  'offers of all backends, cheapest first',
  async (world) => {
    const { list, tookMs } = await ask(world);
    assert.deepEqual(
      list.offers.map((offer) => offer.backend),
      ['bad', 'good'],
    );
    assert.equal(tookMs, 0);
  },
  CLOUDS,
);

for (const [fault, status, message, tookMs] of [
  ['fails', 'failed', 'the price list is down', 0],
  ['hangs', 'timed-out', 'no answer within 8 s', 8_000],
  ['slow', 'timed-out', 'no answer within 8 s', 8_000],
] as const) {
  inWorld(
    `a backend that ${fault === 'slow' ? 'does not care for its deadline' : fault} costs only its own offers`,
    async (world) => {
      const bad = world.clouds[1] ?? assert.fail();
      bad.offersFault = fault;
      const asked = await ask(world);
      assert.deepEqual(
        asked.list.offers.map((offer) => offer.backend),
        ['good'],
      );
      assert.deepEqual(asked.list.sources, [
        { backend: 'good', status: 'fresh', offers: 1, message: null },
        { backend: 'bad', status, offers: 0, message },
      ]);
      assert.equal(asked.tookMs, tookMs);
      // A run is placed all the same.
      const run = await world.apply();
      await world.advance(30_000);
      assert.equal((await world.run(run.id)).status, 'done');
    },
    CLOUDS,
  );
}

inWorld(
  'a backend that the configuration does not name is not asked',
  async (world) => {
    const plan = await world.engine.planRun(world.project, taskSpec({ requirements: { ...ANY, backends: ['good'] } }));
    assert.equal(plan.offers.sources[1]?.status, 'skipped');
    assert.deepEqual([world.clouds[1]?.count('offers'), plan.pricePerHour], [0, 2]);
  },
  CLOUDS,
);

inWorld('an offer that does not fit is counted with its reason', async (world) => {
  const list = await world.engine.offers(world.project, { ...ANY, memoryMiB: { min: 65_536, max: null } });
  assert.equal(list.offers.length, 0);
  assert.equal(list.misfits.length, 1);
  assert.match(list.misfits[0]?.reason ?? '', /memory/);
});

inWorld('a plan names the idle machine that the run would get, and nothing is made', async (world) => {
  await world.apply({ name: 'first' });
  await world.advance(3_000);
  const [instance] = await world.instances();
  const plan = await world.engine.planRun(world.project, taskSpec({ name: 'second' }));
  assert.deepEqual(
    [plan.action, plan.idleInstances.map((row) => row.id), plan.pricePerHour],
    ['create', [instance?.id], 1],
  );
  assert.equal(await world.store.read.runs.count(), 1);
});

class Knowing extends SimCloud {
  answer: OffersFacet['availability'] = async () => new Map();

  override backend(): UsableBackend {
    const backend = super.backend();
    const offers: OffersFacet = { availability: (...asked) => this.answer(...asked) };
    return { ...backend, facets: ['offers'], compute: { ...backend.compute, offers } };
  }
}

inWorld(
  'what an account has in stock goes before what the catalog says; where it is not told, the catalog’s word stands',
  async (world) => {
    const cloud = world.cloud as Knowing;
    const [offer] = cloud.offers;
    cloud.answer = async () => new Map([[offer?.id ?? '', 'no-quota']]);
    assert.equal((await ask(world)).list.offers[0]?.availability, 'no-quota');
    for (const [answer, message, took] of [
      [() => Promise.reject(new BackendError('transient', 'not now')), 'what is in stock was not told: not now', 0],
      [() => new Promise<never>(() => {}), 'what is in stock was not told: No answer within 3 s.', 3_000],
    ] as const) {
      cloud.answer = answer;
      const { list, tookMs } = await ask(world);
      const [source] = list.sources;
      assert.deepEqual(
        [list.offers[0]?.availability, source?.status, source?.message],
        ['available', 'fresh', message],
      );
      assert.equal(tookMs, took);
    }
  },
  { clouds: (clock) => [new Knowing(clock)] },
);

inWorld(
  'a cloud of containers is named as what cannot run jobs yet, and nothing is made there',
  async (world) => {
    const bad = world.clouds[1] ?? assert.fail();
    const sold = bad.backend();
    bad.backend = () => ({ ...sold, kind: 'container', agentStart: 'entrypoint' });
    const { list } = await ask(world);
    assert.deepEqual(
      list.offers.map((offer) => offer.backend),
      ['good'],
    );
    assert.match(list.sources.find(({ backend }) => backend === 'bad')?.message ?? '', /cannot run jobs yet/);
    const run = await world.apply();
    await world.advance(60_000);
    assert.equal((await world.run(run.id)).status, 'done');
    assert.equal(bad.machines.size, 0);
  },
  CLOUDS,
);

inWorld(
  'a machine whose request cannot even be made is refused for good, and its cloud is never asked',
  async (world) => {
    const sold = world.cloud.backend();
    world.cloud.backend = () => ({ ...sold, agentStart: 'ssh' });
    world.cannotStart = 'this agent cannot be started there';
    const run = await world.apply();
    await world.advance(60_000);
    const [instance] = await world.instances();
    assert.equal(instance?.status, 'terminated');
    assert.equal(instance?.endReason, 'create-failed');
    assert.match(instance?.message ?? '', /cannot be started there/);
    assert.equal((await world.run(run.id)).status, 'failed');
    assert.equal(world.cloud.machines.size, 0);
  },
);
