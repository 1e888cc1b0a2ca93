/** C16: being too fast is no failure, and the cloud says how long to wait. */
import type { Bench } from '../bench.ts';
import { expect, type Rule } from '../rule.ts';

const WAIT_MS = 1_000;
/** Timers and clocks round. */
const TOLERANCE_MS = 30;
const LONG_MS = 3_600_000;

const WHY = 'Who comes back too early is turned away again, and in the end the account is locked.';
const HINT = 'Use `context.http`, which waits as it is told; of an SDK, switch on its own retries.';

export const requestRules: readonly Rule[] = [
  {
    id: 'C16.1',
    title: '`list` that was too fast is repeated after the time that the cloud gives',
    why: WHY,
    hint: HINT,
    check: async (bench) => {
      await bench.backend();
      await afterPause(bench, 'list', () => bench.list());
    },
  },
  {
    id: 'C16.2',
    title: '`create` that was too fast is repeated after the time that the cloud gives',
    why: WHY,
    hint: HINT,
    check: async (bench) => {
      const request = await bench.request();
      await afterPause(bench, 'create', () => bench.create(request));
      const machines = await bench.billed(request);
      expect(machines.length === 1, 'one machine', `${machines.length}`);
    },
  },
  {
    id: 'C16.3',
    title: '`terminate` that was too fast is repeated after the time that the cloud gives',
    why: WHY,
    hint: HINT,
    check: async (bench) => {
      const { request, ref } = await bench.running();
      await afterPause(bench, 'terminate', () => bench.terminate(ref));
      await bench.untilGone(request);
    },
  },
  {
    id: 'C16.4',
    title: '`list` that the cloud could not answer for a moment is asked again',
    why: 'One 503 in a thousand is how clouds are; a sweep must not fail of it.',
    hint: HINT,
    check: async (bench) => {
      const { request } = await bench.running();
      await bench.fault('list', { kind: 'unavailable' });
      const listed = await bench.list();
      bench.requireMet();
      const there = listed.some(({ token }) => token === request.token);
      expect(there, 'the whole list', 'a list without the machine that is there');
    },
  },
  {
    id: 'C16.5',
    title: 'who is to stay away for an hour is told so at once',
    why: 'Waiting until the deadline helps nobody; the engine can go elsewhere meanwhile.',
    hint: 'Let `rate-limited` through with its `retryAfterMs`.',
    check: async (bench) => {
      await bench.backend();
      await bench.fault('list', { kind: 'rate-limited', retryAfterMs: LONG_MS });
      const began = Date.now();
      const error = await bench.refusal('`list`', () => bench.list());
      bench.requireMet();
      const took = Date.now() - began;
      expect(error.code === 'rate-limited', 'code `rate-limited`', `${error.code}: ${error.message}`);
      const after = error.retryAfterMs ?? 0;
      expect(after > LONG_MS / 2, `\`retryAfterMs\` of about ${LONG_MS}`, `${error.retryAfterMs}`);
      expect(took < 5_000, 'an error at once', `one after ${took} ms`);
    },
  },
];

async function afterPause(bench: Bench, operation: string, run: () => Promise<unknown>): Promise<void> {
  await bench.fault(operation, { kind: 'rate-limited', retryAfterMs: WAIT_MS });
  const began = Date.now();
  await run();
  bench.requireMet();
  const { proxies } = bench.stage.options;
  const seen = proxies.flatMap((proxy) => proxy.seen);
  const refused = seen.findLast(({ fault }) => fault === 'rate-limited');
  const next =
    refused &&
    seen.find(
      ({ at, method, path, fault }) =>
        at >= refused.at && method === refused.method && path === refused.path && fault === null,
    );
  const waited = refused !== undefined && next !== undefined ? next.at - refused.at : Date.now() - began;
  expect(waited >= WAIT_MS - TOLERANCE_MS, `a pause of ${WAIT_MS} ms`, `${waited} ms`);
}
