/** A run that names a reservation: only backends that have them, and only machines in it. */
import assert from 'node:assert/strict';
import type { UsableBackend } from './ports.ts';
import { inWorld } from './testing/in-world.ts';
import type { SimClock } from './testing/sim-clock.ts';
import { SimCloud } from './testing/sim-cloud.ts';
import { ANY, taskSpec } from './testing/specs.ts';

const asked: (string | null)[] = [];

class Reserving extends SimCloud {
  override backend(): UsableBackend {
    const backend = super.backend();
    const { compute } = backend;
    const create: typeof compute.create = (request, call) => {
      asked.push(request.reservation);
      return compute.create(request, call);
    };
    return { ...backend, facets: ['reservations'], compute: { ...compute, create } };
  }
}

const wanted = { ...ANY, reservation: 'cr-1' };
const cheap = (clock: SimClock): SimCloud => new SimCloud(clock, 'plain', [{ pricePerHour: 1 }]);
const dear = (clock: SimClock): SimCloud => {
  const cloud = new Reserving(clock, 'reserving', [{ pricePerHour: 9 }]);
  const reservation = { cloudId: 'cr-1', instanceType: 'small', region: 'r1', zone: null, total: 4 };
  cloud.truth.parts.reservations.set('cr-1', reservation);
  return cloud;
};

inWorld(
  'the plan names the backend that lacks the facet; the machine is made in the reservation, and used again for it only',
  async (world) => {
    const plan = await world.engine.planRun(world.project, taskSpec({ requirements: wanted }));
    assert.deepEqual(
      plan.offers.offers.map(({ backend }) => backend),
      ['reserving'],
    );
    assert.deepEqual(plan.offers.misfits, [{ reason: 'plain has no reservations (facet)', count: 1 }]);

    await world.apply({ name: 'outside' });
    await world.advance(3_000);
    asked.length = 0;
    await world.apply({ name: 'first', requirements: wanted });
    await world.advance(3_000);
    assert.deepEqual(asked, ['cr-1'], 'the idle machine outside of it was not taken');
    await world.apply({ name: 'second', requirements: wanted });
    await world.advance(3_000);
    assert.deepEqual(asked, ['cr-1'], 'the idle machine inside of it was');
    assert.equal((await world.instances()).length, 2);
  },
  { clouds: (clock) => [cheap(clock), dear(clock)] },
);

inWorld(
  'where no backend has the facet nothing is made, and the run says which facet is missing',
  async (world) => {
    const run = await world.apply({ requirements: wanted });
    await world.advance(3_000);
    const [job] = await world.store.read.jobs.find({ where: { runId: run.id } });
    assert.match(job?.message ?? '', /plain has no reservations \(facet\)/);
    assert.equal((await world.instances()).length, 0);
  },
  { clouds: (clock) => [cheap(clock)] },
);
