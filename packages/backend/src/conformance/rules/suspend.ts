/** C21 and C22: machines that stop and start, and their ports. */
import { isDeepStrictEqual } from 'node:util';
import type { CloudInstanceState, InstanceRef } from '../../contract.ts';
import type { Bench } from '../bench.ts';
import { expect, type Rule } from '../rule.ts';

export const suspendRules: readonly Rule[] = [
  {
    id: 'C21.1',
    title: 'a stopped machine is the same machine: id, name, tags and token stay',
    why: 'It is found again by them, hours later, by another server.',
    hint: 'Map the cloud’s stopped state to `stopped`, not to `terminated`.',
    appliesTo: 'suspend',
    live: true,
    check: async (bench) => {
      const { request, machine, ref } = await bench.running();
      const [before] = await bench.billed(request);
      await turn(bench, ref, request.token, 'stopped');
      const told = await bench.found(request.token);
      const same = told?.cloudId === machine.cloudId && told.name === machine.name;
      expect(same, `${machine.cloudId} called ${machine.name}`, `${told?.cloudId} called ${told?.name}`);
      const [after] = await bench.billed(request);
      expect(isDeepStrictEqual(after?.tags, before?.tags), 'its tags', JSON.stringify(after?.tags));
    },
  },
  {
    id: 'C21.2',
    title: '`start` brings the same machine back, with an address',
    why: 'Its disk holds what the user left there.',
    hint: 'Ask for the address again: it may be another one.',
    appliesTo: 'suspend',
    live: true,
    check: async (bench) => {
      const { request, machine, ref } = await bench.running();
      await turn(bench, ref, request.token, 'stopped');
      await turn(bench, ref, request.token, 'running');
      const told = await bench.until('an address', async () => {
        const found = await bench.found(request.token);
        return found?.address === null ? null : found;
      });
      expect(told?.cloudId === machine.cloudId, machine.cloudId, `${told?.cloudId}`);
      const left = await bench.billed(request);
      expect(left.length === 1, 'one machine', `${left.length}`);
    },
  },
  {
    id: 'C21.3',
    title: '`stop` of what is stopped, and `start` of what runs, is success',
    why: 'Both are repeated when their outcome is not known.',
    hint: 'Take the cloud’s “wrong state” for success where it is the state that was asked for.',
    appliesTo: 'suspend',
    live: true,
    check: async (bench) => {
      const suspend = await bench.facet('suspend');
      const { request, ref } = await bench.running();
      await suspend.start(ref, bench.call());
      await turn(bench, ref, request.token, 'stopped');
      await suspend.stop(ref, bench.call());
      await turn(bench, ref, request.token, 'running');
    },
  },
  {
    id: 'C21.4',
    title: 'a `stop` whose answer was lost can be repeated',
    why: 'As with every change.',
    hint: 'The machine may be on its way already.',
    appliesTo: 'suspend',
    check: async (bench) => {
      const suspend = await bench.facet('suspend');
      const { request, ref } = await bench.running();
      await bench.fault('suspend.stop', { kind: 'lost-answer' });
      await suspend.stop(ref, bench.call()).catch((error: unknown) => bench.did(`it failed: ${String(error)}`));
      bench.requireMet();
      await turn(bench, ref, request.token, 'stopped');
    },
  },
  {
    id: 'C22.1',
    title: 'ports that are opened are open, and told, merged and in order',
    why: 'Services are reached by them.',
    hint: 'Both ends of a range are included.',
    appliesTo: 'ports',
    check: async (bench) => {
      const ports = await bench.facet('ports');
      const { ref } = await bench.running();
      await ports.open(
        ref,
        [
          { from: 9000, to: 9002 },
          { from: 8080, to: 8080 },
        ],
        bench.call(),
      );
      await ports.open(
        ref,
        [
          { from: 9003, to: 9004 },
          { from: 8080, to: 8080 },
        ],
        bench.call(),
      );
      const told = await ports.list(ref, bench.call());
      const wanted = [
        { from: 8080, to: 8080 },
        { from: 9000, to: 9004 },
      ];
      expect(isDeepStrictEqual(told, wanted), JSON.stringify(wanted), JSON.stringify(told));
      await requireOpen(bench, ref, [8080, 9000, 9004], [8081, 8999, 9005]);
    },
  },
  {
    id: 'C22.2',
    title: 'ports that are closed are closed; opening the open and closing the closed is success',
    why: 'Both are repeated when their outcome is not known.',
    hint: 'Take “exists already” and “not found” for success.',
    appliesTo: 'ports',
    check: async (bench) => {
      const ports = await bench.facet('ports');
      const { ref } = await bench.running();
      const range = [{ from: 9000, to: 9004 }];
      await ports.open(ref, range, bench.call());
      await ports.open(ref, range, bench.call());
      await ports.close(ref, [{ from: 9002, to: 9002 }], bench.call());
      await ports.close(
        ref,
        [
          { from: 9002, to: 9002 },
          { from: 7000, to: 7000 },
        ],
        bench.call(),
      );
      const told = await ports.list(ref, bench.call());
      const wanted = [
        { from: 9000, to: 9001 },
        { from: 9003, to: 9004 },
      ];
      expect(isDeepStrictEqual(told, wanted), JSON.stringify(wanted), JSON.stringify(told));
      await requireOpen(bench, ref, [9001, 9003], [9002, 7000]);
      await ports.close(ref, range, bench.call());
      await ports.close(ref, range, bench.call());
      const left = await ports.list(ref, bench.call());
      expect(left.length === 0, 'no open port', JSON.stringify(left));
    },
  },
  {
    id: 'C22.3',
    title: 'opening a port of one machine opens none of another',
    why: 'A rule for all machines of an account opens those of other users too.',
    hint: 'Give each machine a group of its own.',
    appliesTo: 'ports',
    check: async (bench) => {
      const ports = await bench.facet('ports');
      const one = await bench.running();
      const other = await bench.running();
      await ports.open(one.ref, [{ from: 9000, to: 9000 }], bench.call());
      const told = await ports.list(other.ref, bench.call());
      expect(told.length === 0, 'no open port of the other', JSON.stringify(told));
      await requireOpen(bench, other.ref, [], [9000]);
    },
  },
];

/** Asks for a state and waits until `list` tells of it. */
export async function turn(bench: Bench, ref: InstanceRef, token: string, to: CloudInstanceState): Promise<void> {
  const suspend = await bench.facet('suspend');
  const word = to === 'stopped' ? 'stop' : 'start';
  bench.did(`${word} ${ref.cloudId}`);
  await suspend[word](ref, bench.call());
  await bench.until(`it to be ${to}`, async () => ((await bench.found(token))?.state === to ? true : null));
}

async function requireOpen(
  bench: Bench,
  ref: InstanceRef,
  open: readonly number[],
  closed: readonly number[],
): Promise<void> {
  const { ports } = bench.fake;
  if (ports === undefined) return; // what the backend tells was compared
  for (const port of open) expect(await ports.isOpen(ref.cloudId, port), `port ${port} open`, 'closed');
  for (const port of closed) expect(!(await ports.isOpen(ref.cloudId, port)), `port ${port} closed`, 'open');
}
