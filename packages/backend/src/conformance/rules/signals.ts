/** C5: no call outlives its signal, whatever the cloud does. */
import type { Call, Compute, Facet } from '../../contract.ts';
import type { Bench } from '../bench.ts';
import type { Operation } from '../fake.ts';
import { expect, type Rule, skip } from '../rule.ts';

/** From the abort until the backend must have let go of everything. */
const LET_GO_MS = 1_000;
/** After that, nothing may be asked of the cloud any more. */
const QUIET_MS = 100;
/** Until a call that hangs has sent its request. */
const SENT_MS = 2_000;
const DEADLINE_MS = 200;

const WHY =
  'A call that goes on after its deadline holds a connection and may make a machine after the engine has looked for it.';
const HINT = 'Hand `call.signal` to `context.http` and to every wait, and look at it between two requests.';

type Calls = (bench: Bench) => Promise<(call: Call) => Promise<unknown>>;

export const signalRules: readonly Rule[] = [
  abortRule('C5.1', 'create', async (bench) => {
    const request = await bench.request();
    await bench.expectMachines([request]);
    const { compute } = await bench.backend();
    return (call) => compute.create(request, call);
  }),
  abortRule('C5.2', 'list', async (bench) => {
    const { compute } = await bench.backend();
    return (call) => compute.list(call);
  }),
  abortRule('C5.3', 'terminate', async (bench) => {
    const { ref } = await bench.running();
    const { compute } = await bench.backend();
    return (call) => compute.terminate(ref, call);
  }),
  {
    id: 'C5.4',
    title: '`configure` ends when its deadline is over',
    why: WHY,
    hint: HINT,
    check: async (bench) => {
      await bench.backend();
      await bench.fault('configure', { kind: 'hang' });
      bench.did(`configure, with a deadline of ${DEADLINE_MS} ms`);
      const began = Date.now();
      const error = await bench.another({ deadlines: { configure: DEADLINE_MS } }).catch((cause: unknown) => cause);
      bench.requireMet();
      if (!(error instanceof Error)) skip('no request of the call could be met by the fault');
      await requireLetGo(bench, 'configure', began + DEADLINE_MS);
    },
  },
  {
    id: 'C5.5',
    title: '`list` ends when its deadline is over',
    why: WHY,
    hint: HINT,
    check: async (bench) => {
      const other = await bench.another({ deadlines: { list: DEADLINE_MS } });
      await bench.fault('list', { kind: 'hang' });
      bench.did(`list, with a deadline of ${DEADLINE_MS} ms`);
      const began = Date.now();
      const error = await other.compute.list(bench.call()).catch((cause: unknown) => cause);
      bench.requireMet();
      if (!(error instanceof Error)) skip('no request of the call could be met by the fault');
      await requireLetGo(bench, 'list', began + DEADLINE_MS);
    },
  },
  abortRule('C5.6', 'offers.availability', async (bench) => {
    const facet = await bench.facet('offers');
    const offers = await bench.stage.offers();
    return (call) => facet.availability(offers.slice(0, 50), call);
  }),
  abortRule('C5.7', 'suspend.stop', async (bench) => {
    const facet = await bench.facet('suspend');
    const { ref } = await bench.running();
    return (call) => facet.stop(ref, call);
  }),
  abortRule('C5.8', 'ports.open', async (bench) => {
    const facet = await bench.facet('ports');
    const { ref } = await bench.running();
    return (call) => facet.open(ref, [{ from: 8080, to: 8080 }], call);
  }),
  abortRule('C5.9', 'volumes.list', async (bench) => {
    const facet = await bench.facet('volumes');
    return (call) => facet.list(call);
  }),
  abortRule('C5.10', 'placement.list', async (bench) => {
    const facet = await bench.facet('placement');
    return (call) => facet.list(call);
  }),
  abortRule('C5.11', 'group.create', async (bench) => {
    const facet = await bench.facet('group');
    const requests = [await bench.request(), await bench.request()];
    await bench.expectMachines(requests);
    return (call) => facet.create(requests, call);
  }),
  abortRule('C5.12', 'gateways.list', async (bench) => {
    const facet = await bench.facet('gateways');
    return (call) => facet.list(call);
  }),
  abortRule('C5.13', 'reservations.list', async (bench) => {
    const facet = await bench.facet('reservations');
    return (call) => facet.list(call);
  }),
  abortRule('C5.14', 'images.resolve', async (bench) => {
    const facet = await bench.facet('images');
    const { region, resources } = await bench.offer();
    return (call) => facet.resolve({ region, cpuArch: resources.cpuArch, accelerators: false }, call);
  }),
  abortRule('C5.15', 'bootstrap.ensure', async (bench) => {
    const facet = await bench.facet('bootstrap');
    const { region } = await bench.offer();
    return (call) => facet.ensure(region, call);
  }),
];

/** The cloud hangs, the caller loses interest: the call ends, its connections close, nothing is asked any more. */
function abortRule(id: string, operation: Operation, prepare: Calls): Rule {
  const [facet] = operation.includes('.') ? (operation.split('.') as [keyof Compute & Facet]) : [];
  return {
    id,
    title: `\`${operation}\` ends when its signal aborts, and nothing of it goes on`,
    why: WHY,
    hint: HINT,
    ...(facet === undefined ? {} : { appliesTo: facet }),
    check: async (bench) => {
      const run = await prepare(bench);
      await bench.fault(operation, { kind: 'hang' });
      const controller = new AbortController();
      bench.did(`${operation}, and abort it`);
      let answered = false;
      const running = run(bench.call(controller.signal)).then(
        () => {
          answered = true;
        },
        (error: unknown) => error,
      );
      await hanging(bench, running);
      bench.requireMet();
      if (answered) skip('no request of the call could be met by the fault');
      const abortedAt = Date.now();
      controller.abort();
      await running;
      await requireLetGo(bench, operation, abortedAt);
    },
  };
}

/** Resolves when a request hangs at the proxy; of a fake without HTTP, after some time. */
async function hanging(bench: Bench, running: Promise<unknown>): Promise<void> {
  const { proxies } = bench.stage.options;
  let ended = false;
  void running.finally(() => {
    ended = true;
  });
  const end = Date.now() + (proxies.length === 0 ? 50 : SENT_MS);
  while (!ended && Date.now() < end && proxies.every(({ armed }) => armed > 0 || proxies.length === 0)) {
    await bench.pass(10);
  }
}

async function requireLetGo(bench: Bench, operation: Operation, abortedAt: number): Promise<void> {
  const { transcript, options } = bench.stage;
  const own = transcript.calls.findLast((call) => call.operation === operation);
  const expected = `\`${operation}\` to end within ${LET_GO_MS} ms after it was aborted`;
  await bench.until(expected, async () => (own === undefined || own.endedAt !== null ? true : null), LET_GO_MS);
  const seen = options.proxies.flatMap((proxy) => proxy.seen);
  await bench.until('the connection that hung to be closed', async () =>
    seen.every(({ fault, endedAt }) => fault !== 'hang' || endedAt !== null) ? true : null,
  );
  const quietFrom = Math.max(Date.now(), abortedAt);
  await bench.pass(QUIET_MS);
  const later = options.proxies.flatMap((proxy) => proxy.seen).filter(({ at }) => at > quietFrom);
  expect(later.length === 0, 'no request after that', later.map(({ method, path }) => `${method} ${path}`).join(', '));
}
