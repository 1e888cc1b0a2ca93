/** The checks of a simulated world, tried on worlds in which something is wrong: each must notice its own. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newId } from '@berth/core';
import { createIntent } from './decide-instance.ts';
import { wrongAtLast } from './testing/invariants.ts';
import { investigate, tell } from './testing/investigate.ts';
import { Player } from './testing/player.ts';
import { type History, simulate } from './testing/simulate.ts';
import { wrongWithStrangers, wrongWithTruth } from './testing/truth.ts';
import { World } from './testing/world.ts';

const MINUTE = 60_000;

/** A world in which one run goes on and another is done, and all is well but that they are not over. */
async function busyWorld(): Promise<World> {
  const world = await World.make({});
  world.agents.behave = ({ env }) => ({ afterMs: env.BERTH_RUN_NAME === 'short' ? 10 : null });
  await world.apply({ name: 'short', idleDurationMs: 0 });
  await world.advance(MINUTE);
  await world.apply({ name: 'long' });
  await world.advance(MINUTE);
  return world;
}

const machine = (world: World, token: string | null) => ({
  clientToken: token,
  name: `berth-${token ?? 'none'}`,
  tags: {},
  offer: world.cloud.offers[0] ?? assert.fail(),
});

const SABOTAGES: Readonly<Record<string, { readonly does: (world: World) => Promise<void>; readonly told: RegExp }>> = {
  'a machine is billed that no book has': {
    does: async (world) => void world.cloud.truth.make(machine(world, 'stray')),
    told: /machine stray is on no book/,
  },
  'a machine is gone that a book expects': {
    does: async (world) => {
      world.cloud.onGone = () => {}; // its agent does not notice either
      for (const { token } of world.cloud.alive) world.cloud.kill(token);
    },
    told: /is busy, its machine is gone/,
  },
  'a machine is billed whose row says that it is gone': {
    does: async (world) => {
      const ended = (await world.instances()).find(({ status }) => status === 'terminated') ?? assert.fail();
      world.cloud.truth.make(machine(world, ended.token));
    },
    told: /is terminated, its machine is billed/,
  },
  'a job was started twice': {
    does: async (world) => {
      const [[job, starts] = assert.fail()] = world.agents.started;
      world.agents.started.set(job, [...starts, ...starts]);
    },
    told: /was started twice/,
  },
  'an end that was recorded is changed': {
    does: async (world) => {
      const done = await world.store.read.runs.first({ where: { status: 'done' } });
      if (done === null) assert.fail();
      await world.store.transaction((tx) => tx.runs.update(done.id, done.version, { endReason: 'job-failed' }));
    },
    told: /endReason was all-jobs-done and became job-failed/,
  },
  'an instance holds more than it has': {
    does: async (world) => {
      const busy = (await world.instances()).find(({ status }) => status === 'busy') ?? assert.fail();
      await world.store.transaction((tx) => tx.instances.update(busy.id, busy.version, { busyBlocks: 2 }));
    },
    told: /has 1 blocks and holds 2/,
  },
  'an intent is never settled': {
    does: async (world) => {
      const [row = assert.fail()] = await world.instances();
      const id = newId<'IntentId'>(world.clock.now(), world.random.bytes);
      await world.store.transaction((tx) => tx.intents.insert({ ...createIntent(row, world.clock.now()), id }));
    },
    told: /intent instance\.create of .* is never settled/,
  },
  'a run waits for ever': {
    does: async () => {},
    told: /run long is running for ever/,
  },
  'a machine was billed long after it was let go': {
    does: async (world) => {
      const [{ token } = assert.fail()] = world.cloud.alive;
      world.store.letGoAt.set(token, world.clock.elapsed);
      await world.advance(30 * MINUTE);
    },
    told: /was billed for 30 min after it was let go/,
  },
  'a network is left behind': {
    does: async (world) =>
      void world.cloud.truth.parts.addNetwork({ clientToken: null, name: 'n', tags: {}, region: 'nowhere' }),
    told: /network .* of nowhere is left behind/,
  },
};

describe('what is wrong with a world is noticed:', () => {
  for (const [claim, { does, told }] of Object.entries(SABOTAGES)) {
    test(claim, async () => {
      const world = await busyWorld();
      const wrong = async () => [...(await wrongAtLast(world)), ...(await wrongWithTruth(world, new Player(world), 0))];
      if (claim !== 'a run waits for ever') assert.doesNotMatch((await wrong()).join('\n'), told);
      await does(world);
      assert.match((await wrong()).join('\n'), told);
    });
  }

  test('a neighbour’s machine is touched', async () => {
    const world = await busyWorld();
    const theirs = world.cloud.truth.make(machine(world, null));
    const planted = [{ whose: 'neighbour', cloud: world.cloud, cloudId: theirs.cloudId }] as const;
    assert.deepEqual(wrongWithStrangers(planted), []);
    world.cloud.truth.kill(theirs);
    assert.match(wrongWithStrangers(planted).join(), /the neighbour machine .* was touched/);
  });
});

test('a history of an engine whose terminations reach nobody goes wrong, and is shrunk to a few moves that go wrong alike', async () => {
  /** Says that it is done, and shows nothing of it any more. */
  const sabotage = (world: World): void => {
    for (const cloud of world.clouds) {
      const honest = cloud.backend.bind(cloud);
      cloud.backend = () => {
        const backend = honest();
        const compute = {
          ...backend.compute,
          terminate: async (ref: { readonly token: string }) => void cloud.hidden.add(ref.token),
        };
        return { ...backend, compute };
      };
    }
  };
  let history: History | null = null;
  for (let seed = 1; seed <= 40 && history === null; seed++) {
    const played = await simulate(seed, { sabotage });
    if (played.wrong.length > 0) history = played;
  }
  assert.ok(history !== null, 'none of forty histories has noticed it');
  const finding = await investigate(history, { sabotage });
  assert.ok(finding.moves.length < history.moves.length && finding.moves.length <= 4, tell(finding));
  const again = await simulate(finding.seed, { sabotage, moves: finding.moves });
  assert.deepEqual(again.wrong, finding.wrong);
  assert.deepEqual((await simulate(finding.seed, { moves: finding.moves })).wrong, [], 'without it, all is well');
});
