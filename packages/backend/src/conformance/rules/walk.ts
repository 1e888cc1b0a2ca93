/** W: the walks that people do by hand before they trust a cloud, each through many rules. */
import type { Bench } from '../bench.ts';
import { expect, type Rule } from '../rule.ts';
import { turn } from './suspend.ts';

const IDLE_MS = 150;
const WHY = 'Each step may obey its rule and the next one still fail after it.';

export const walkRules: readonly Rule[] = [
  {
    id: 'W1',
    title: 'check credentials, launch, run on it again, down, down again',
    why: WHY,
    hint: 'The steps tell which one failed.',
    live: true,
    check: async (bench) => {
      await bench.another({});
      const { request, machine, ref } = await bench.running();
      bench.did('look again, as who runs on it a second time');
      const again = await bench.found(request.token);
      const same =
        again?.cloudId === machine.cloudId && JSON.stringify(again.address) === JSON.stringify(machine.address);
      expect(same, `${machine.cloudId} at the same address`, JSON.stringify(again));
      await bench.terminate(ref);
      await bench.untilGone(request);
      await bench.terminate(ref);
    },
  },
  {
    id: 'W2',
    title: 'launch, stop, start, stop, down of a stopped one',
    why: WHY,
    hint: 'The steps tell which one failed.',
    appliesTo: 'suspend',
    live: true,
    check: async (bench) => {
      const { request, machine, ref } = await bench.running();
      await turn(bench, ref, request.token, 'stopped');
      await turn(bench, ref, request.token, 'running');
      const told = await bench.found(request.token);
      expect(told?.cloudId === machine.cloudId, machine.cloudId, `${told?.cloudId}`);
      await turn(bench, ref, request.token, 'stopped');
      await bench.terminate(ref);
      await bench.untilGone(request);
    },
  },
  {
    id: 'W3',
    title: 'launch, idle, stop by itself, idle, down by itself, after the server was restarted',
    why: 'Who stops an idle machine is seldom the server that made it.',
    hint: 'Keep nothing in memory that the cloud does not tell.',
    appliesTo: 'suspend',
    live: true,
    check: async (bench) => {
      const { request, machine, ref } = await bench.running();
      await bench.pass(IDLE_MS);
      const later = await bench.another({});
      bench.did('another server: stop');
      await later.compute.suspend?.stop(ref, bench.call());
      await bench.until('it to be stopped', async () => {
        const told = (await bench.list(later)).find(({ cloudId }) => cloudId === machine.cloudId);
        return told?.state === 'stopped' ? true : null;
      });
      await bench.pass(IDLE_MS);
      bench.did('another server: terminate');
      await later.compute.terminate(ref, bench.call());
      await bench.untilGone(request);
    },
  },
  {
    id: 'W4',
    title: 'launch, idle, down by itself, after the server was restarted',
    why: 'Who ends an idle machine is seldom the server that made it.',
    hint: 'Keep nothing in memory that the cloud does not tell; `context.stateDir` outlives a restart.',
    live: true,
    check: async (bench) => {
      const { request, ref } = await bench.running();
      await bench.pass(IDLE_MS);
      const later = await bench.another({});
      const listed = (await bench.list(later)).some(({ token }) => token === request.token);
      expect(listed, 'the other server to see it', 'it does not');
      bench.did('another server: terminate');
      await later.compute.terminate(ref, bench.call());
      await bench.untilGone(request);
    },
  },
  {
    id: 'W5',
    title: 'launch with other backends of the same cloud enabled',
    why: 'Two projects, two accounts or two installations of one cloud run in one server.',
    hint: 'Keep nothing at the level of the module: everything belongs to a context.',
    check: async (bench) => {
      const other = await otherServer(bench);
      const [ours, theirs] = [await bench.request(), await bench.request()];
      await Promise.all([bench.create(ours), bench.create(theirs)]);
      await bench.until('`list` to show both', async () =>
        (await bench.found(ours.token)) !== null && (await bench.found(theirs.token)) !== null ? true : null,
      );
      const seen = (await bench.list(other)).length;
      expect(seen === 0, 'nothing in the other one’s list', `${seen} machines`);
    },
  },
];

/** Runs after everything else. */
export const endRules: readonly Rule[] = [
  {
    id: 'W6',
    title: 'nothing of ours is left when everything is done',
    why: 'No machine is ever lost: this is the rule that all others are for.',
    hint: 'The check that made it is named; run it alone with `--rule`.',
    live: true,
    check: async (bench) => {
      await bench.backend();
      const { leaks } = bench.stage;
      const billed = new Set((await bench.truth()).filter((one) => one.billed).map(({ cloudId }) => cloudId));
      const left = [...leaks]
        .filter(([cloudId]) => billed.has(cloudId))
        .map(([cloudId, check]) => `${cloudId} (of ${check})`);
      expect(left.length === 0, 'no machine', left.join(', '));
      const kept = await bench.stage.removeShared();
      expect(kept.length === 0, 'no network, key or role', `some in ${kept.join(', ')}`);
    },
  },
];

async function otherServer(bench: Bench) {
  const { installation } = bench.stage;
  bench.did('another server with the same account');
  return await bench.another({ installation: `${installation.slice(0, -1)}${installation.endsWith('0') ? '1' : '0'}` });
}
