/** C4: giving a machine back, in whatever state it is. */
import { expect, type Rule } from '../rule.ts';
import { turn } from './suspend.ts';

const WHY = 'Ending is repeated until it worked: an error for what is gone or going would be repeated for ever.';

export const terminateRules: readonly Rule[] = [
  {
    id: 'C4.1',
    title: '`terminate` ends the machine, and it is billed no more',
    why: 'This is the promise: what was let go costs nothing.',
    hint: 'See which request is sent, and what the cloud answers.',
    live: true,
    check: async (bench) => {
      const { request, ref } = await bench.running();
      await bench.terminate(ref);
      await bench.untilGone(request);
      await bench.until('`list` to show it no more, or as terminated', async () => {
        const told = await bench.found(request.token);
        return told === null || told.state === 'terminated' ? true : null;
      });
    },
  },
  {
    id: 'C4.2',
    title: '`terminate` of what is gone is success',
    why: WHY,
    hint: 'Take the cloud’s “not found” for success.',
    live: true,
    check: async (bench) => {
      const { request, ref } = await bench.running();
      await bench.terminate(ref);
      await bench.untilGone(request);
      await bench.terminate(ref);
    },
  },
  {
    id: 'C4.3',
    title: '`terminate` of what never was is success, and ends nothing else',
    why: WHY,
    hint: 'Take the cloud’s “not found”, and an id that it finds malformed, for success.',
    check: async (bench) => {
      const { request, ref } = await bench.running();
      const never = { ...ref, cloudId: otherId(ref.cloudId), token: bench.stage.newToken() };
      await bench.terminate(never);
      const left = await bench.billed(request);
      expect(left.length === 1, `${ref.cloudId} to live`, 'it was ended');
    },
  },
  {
    id: 'C4.4',
    title: '`terminate` twice, and at once, is success',
    why: WHY,
    hint: 'A machine on its way out is no error; nor is a conflict with another call that ends it.',
    live: true,
    check: async (bench) => {
      const { request, ref } = await bench.running();
      await Promise.all([bench.terminate(ref), bench.terminate(ref)]);
      await bench.terminate(ref);
      await bench.untilGone(request);
    },
  },
  {
    id: 'C4.5',
    title: '`terminate` of a machine that is still being created ends it',
    why: 'Who stops a run while its machine boots must not pay for it.',
    hint: 'Where the cloud refuses to end what boots, throw `transient`: the engine asks again.',
    live: true,
    check: async (bench) => {
      if (!bench.isLive) await bench.situation({ kind: 'slow-boot', ms: 1_500 });
      const request = await bench.request();
      const machine = await bench.create(request);
      const ref = bench.refOf(request, machine);
      // Before it is listed, `terminate` need not know it either.
      await bench.until('`list` to show it', () => bench.found(request.token));
      await bench.until('`terminate` to be taken', async () => {
        try {
          await bench.terminate(ref);
          return true;
        } catch (error) {
          if (error instanceof Error && 'code' in error && error.code === 'transient') return null;
          throw error;
        }
      });
      await bench.untilGone(request);
    },
  },
  {
    id: 'C4.6',
    title: '`terminate` of a stopped machine ends it',
    why: 'A stopped machine still costs its disk.',
    hint: 'Some clouds keep disks of stopped machines: end them too.',
    appliesTo: 'suspend',
    live: true,
    check: async (bench) => {
      const { request, ref } = await bench.running();
      await turn(bench, ref, request.token, 'stopped');
      await bench.terminate(ref);
      await bench.untilGone(request);
    },
  },
  {
    id: 'C4.7',
    title: 'a `terminate` whose answer was lost can be repeated',
    why: WHY,
    hint: 'The machine may be gone already when it is asked again.',
    check: async (bench) => {
      const { request, ref } = await bench.running();
      await bench.fault('terminate', { kind: 'lost-answer' });
      await bench.terminate(ref).catch((error: unknown) => bench.did(`it failed: ${String(error)}`));
      bench.requireMet();
      await bench.terminate(ref);
      await bench.untilGone(request);
    },
  },
  {
    id: 'C4.8',
    title: 'a `terminate` that was not done is not taken for done',
    why: 'A refusal that is swallowed leaves a machine that is billed and on nobody’s list of things to do.',
    hint: 'Only “not found” is success; every other refusal is thrown.',
    check: async (bench) => {
      const { request, ref } = await bench.running();
      await bench.fault('terminate', { kind: 'server-error' });
      const refused = await bench.terminate(ref).then(
        () => false,
        () => true,
      );
      bench.requireMet();
      if (!refused) await bench.untilGone(request);
    },
  },
];

/** An id of the same form that the cloud never gave: its last letter or digit is another. */
function otherId(cloudId: string): string {
  return cloudId.replace(
    /[0-9a-zA-Z]([^0-9a-zA-Z]*)$/,
    (last, rest: string) => `${last.startsWith('7') ? '3' : '7'}${rest}`,
  );
}
