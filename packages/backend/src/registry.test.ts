import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BerthError, type InstanceId, type Offer, Secret } from '@berth/core';
import { HttpError } from '@berth/http';
import { z } from 'zod';
import {
  type BackendEntry,
  BackendError,
  type BackendHost,
  backendRegistry,
  type Call,
  type Compute,
  type ConfiguredBackend,
  type CreateRequest,
  configureBackend,
  defineBackend,
  type Logger,
  owned,
} from './index.ts';

const SECRET = 'hunter2-and-more/+';

let base = '';
before(async () => {
  base = await mkdtemp(join(tmpdir(), 'berth-registry-'));
});
after(() => rm(base, { recursive: true, force: true }));

const lines: string[] = [];
const write = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
  lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
};
const log: Logger = { debug: write, info: write, warn: write, error: write };
let now = 1_000_000;

const host = (): BackendHost => ({
  installation: 'test',
  stateDir: join(base, 'state'),
  clock: { now: () => now },
  random: (length) => new Uint8Array(length),
  log,
  deadlines: { configure: 60, query: 60, create: 60, list: 60, terminate: 60, agentStart: 60 },
});

const call = (signal = new AbortController().signal): Call => ({ signal, log });
const hang = (): Promise<never> => new Promise(() => {});

const offer: Offer = {
  id: 'cloud/r/-/small/on-demand',
  backend: 'cloud',
  instanceType: 'small',
  region: 'r',
  zone: null,
  capacityType: 'on-demand',
  pricePerHour: 1,
  availability: 'available',
  resources: { cpus: 1, cpuArch: 'x86', memoryMiB: 1024, diskMiB: 1024, accelerators: [] },
};

const request: CreateRequest = {
  instance: 'i' as InstanceId, // ids are made in one place only; here any will do
  token: 't1',
  name: 'n',
  tags: {},
  offer,
  shared: null,
  placementGroup: null,
  reservation: null,
  agentStart: { kind: 'process', argv: ['x'], env: {}, socketPath: '/s', dir: '/d' },
};
const ref = { cloudId: 'c', token: 't1', region: 'r', zone: null };

const quiet: Compute = {
  create: async () => ({
    cloudId: 'c',
    token: 't1',
    name: 'm',
    region: 'r',
    zone: null,
    state: 'running',
    address: null,
    internalIp: null,
  }),
  list: async () => [],
  terminate: async () => {},
};

interface Behaviour {
  readonly compute?: Partial<Compute>;
  readonly query?: (call: Call) => Promise<readonly Offer[]>;
  readonly configure?: (call: Call) => Promise<never>;
  readonly cacheForMs?: number;
}

function definition(behaviour: Behaviour = {}) {
  return defineBackend({
    type: 'fake',
    title: 'Fake',
    kind: 'vm',
    agentStart: 'process',
    limits: { nameLength: 63, tags: true, provisioningTimeoutMs: 1000 },
    credentials: { api_key: z.object({ user: z.string(), api_key: z.string().transform((key) => new Secret(key)) }) },
    config: z.object({ zone: z.enum(['east', 'west']).optional() }),
    configure: async (context, inner) =>
      behaviour.configure?.(inner) ?? { config: context.config, account: context.credentials.user },
    catalog: owned({
      cacheForMs: behaviour.cacheForMs ?? 1000,
      query: async (_context, _requirements, inner) => behaviour.query?.(inner) ?? [offer],
    }),
    compute: () => ({ ...quiet, ...behaviour.compute }),
  });
}

const entry = (changes: Partial<BackendEntry> = {}): BackendEntry => ({
  name: 'cloud',
  type: 'fake',
  config: {},
  credentials: { kind: 'api_key', value: { user: 'jane-doe', api_key: SECRET } },
  ...changes,
});

async function ready(behaviour: Behaviour = {}): Promise<ConfiguredBackend> {
  return await configureBackend(definition(behaviour), entry(), host(), new AbortController().signal);
}

const is = (code: string, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BackendError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, text);
  return true;
};

/** Everything that a person or a log file could see of an error. */
function everythingIn(error: unknown): string {
  assert.ok(error instanceof Error);
  const cause = error.cause instanceof Error ? `${error.cause.message} ${error.cause.stack}` : String(error.cause);
  return `${error.message} ${error.stack} ${cause}`;
}

test('a configured backend tells what its definition and its account say', async () => {
  const backend = await ready({ compute: { agent: { start: async () => ({ kind: 'unix', path: '/s' }) } } });
  const { name, type, title, kind, facets, account } = backend;
  assert.deepEqual(
    { name, type, title, kind, facets, account },
    { name: 'cloud', type: 'fake', title: 'Fake', kind: 'vm', facets: ['agent'], account: 'jane-doe' },
  );
  assert.deepEqual((await ready()).facets, []);
  assert.equal((await stat(join(base, 'state'))).mode & 0o777, 0o700);
});

test('mistakes in config and credentials are told together, by path, and without a credential in them', async () => {
  const broken = entry({
    config: { zone: 'north', zome: 1 },
    credentials: { kind: 'api_key', value: { user: 7, api_key: SECRET, [`x-${SECRET}`]: SECRET } },
  });
  await assert.rejects(configureBackend(definition(), broken, host(), call().signal), (error) => {
    assert.ok(error instanceof BerthError);
    assert.equal(error.code, 'invalid-configuration');
    assert.deepEqual(error.issues.map((issue) => issue.path).sort(), [
      'config.zome',
      'config.zone',
      'credentials.user',
      'credentials.x-[secret]',
    ]);
    assert.ok(error.issues.some((issue) => issue.message.includes('zome') && issue.hint === 'did you mean `zone`?'));
    assert.doesNotMatch(JSON.stringify(error.issues) + error.message, /hunter2/);
    return true;
  });
});

test('a schema that throws, and shows the value it throws at, is a mistake without the value', async () => {
  const throwing = defineBackend({
    ...definition(),
    credentials: {
      api_key: z.string().transform((key) => {
        throw new Error(`cannot decode ${key}`);
      }),
    },
  });
  const written = entry({ credentials: { kind: 'api_key', value: SECRET } });
  await assert.rejects(configureBackend(throwing, written, host(), call().signal), (error) => {
    assert.ok(error instanceof BerthError);
    assert.match(error.issues[0]?.message ?? '', /cannot decode \[secret\]/);
    return true;
  });
});

test('an unknown kind of credentials is answered with those that there are', async () => {
  const broken = entry({ credentials: { kind: 'constructor', value: {} } });
  await assert.rejects(configureBackend(definition(), broken, host(), call().signal), /no kind .*`constructor`/);
});

test('an unknown type is answered with the nearest one', async () => {
  const registry = backendRegistry({
    available: [{ packageName: 'fake', dir: '/f', definition: definition() }],
    unavailable: [{ dir: '/b', reason: 'broken' }],
  });
  await assert.rejects(registry.configure(entry({ type: 'fakr' }), host(), call().signal), (error) => {
    assert.ok(error instanceof BerthError);
    assert.match(error.hint ?? '', /Did you mean fake\?.*1 found but unavailable/);
    return true;
  });
  assert.equal((await registry.configure(entry(), host(), call().signal)).name, 'cloud');
});

test('a call that hangs and ignores its signal ends at its deadline, by the code of what it may have done', async () => {
  let seen: AbortSignal | undefined;
  const backend = await ready({
    query: hang,
    compute: {
      create: (_request, inner) => {
        seen = inner.signal;
        return hang();
      },
      list: hang,
      terminate: hang,
      agent: { start: hang },
    },
  });
  await assert.rejects(backend.compute.create(request, call()), is('unknown', /`create` did not answer within 60 ms/));
  assert.equal(seen?.aborted, true);
  await assert.rejects(backend.compute.list(call()), is('transient', /`list` did not answer/));
  await assert.rejects(backend.compute.terminate(ref, call()), is('unknown', /`terminate` did not answer/));
  await assert.rejects(
    async () => backend.compute.agent?.start(ref, request.agentStart, call()),
    is('unknown', /agent/),
  );
  await assert.rejects(backend.offers(null, call()), is('transient', /`query` did not answer/));
  await assert.rejects(ready({ configure: hang }), is('transient', /`configure` did not answer/));
});

test("the caller's abort ends the wait at once, and before the call it means that nothing happened", async () => {
  let created = 0;
  const backend = await ready({
    query: hang,
    compute: {
      create: () => {
        created++;
        return hang();
      },
    },
  });
  const caller = new AbortController();
  const creating = backend.compute.create(request, call(caller.signal));
  caller.abort();
  await assert.rejects(creating, is('unknown', /cancelled while it ran/));
  await assert.rejects(backend.compute.create(request, call(caller.signal)), is('transient', /before it began/));
  assert.equal(created, 1);
  await assert.rejects(backend.offers(null, call(caller.signal)), is('transient', /cancelled/));
});

test('an answer after the deadline is dropped, and its failure crashes nobody', async () => {
  const late = Promise.withResolvers<never>();
  const backend = await ready({ compute: { list: () => late.promise } });
  await assert.rejects(backend.compute.list(call()), is('transient', /did not answer/));
  lines.length = 0;
  late.reject(new Error(`too late ${SECRET}`));
  await new Promise(setImmediate);
  assert.match(lines.join('\n'), /`list` failed after it was given up/);
  assert.doesNotMatch(lines.join('\n'), /hunter2/);
});

test('whatever a backend throws becomes a BackendError, unknown unless it says more', async () => {
  const throwing = (value: unknown): Promise<ConfiguredBackend> =>
    ready({
      compute: {
        list: () => {
          throw value;
        },
      },
    });
  const list = async (value: unknown): Promise<unknown> => (await throwing(value)).compute.list(call());
  await assert.rejects(list('just text'), is('unknown', /^just text$/));
  await assert.rejects(list(undefined), is('unknown', /undefined/));
  await assert.rejects(list(Object.create(null)), is('unknown', /Object/));
  await assert.rejects(list(new TypeError('x is not a function')), is('unknown', /x is not/));
  const stocked = new BackendError('no-capacity', 'sold out', { scope: 'zone', retryAfterMs: 5 });
  await assert.rejects(list(stocked), (error) => {
    assert.ok(error instanceof BackendError);
    assert.deepEqual([error.code, error.scope, error.retryAfterMs], ['no-capacity', 'zone', 5]);
    return true;
  });
  const foreign = Object.assign(new Error('quota'), { name: 'BackendError', code: 'quota', scope: 'account' });
  await assert.rejects(list(foreign), is('quota', /^quota$/));
});

test('no spelling of a secret leaves in an error, its stack, its cause or a log line', async () => {
  const base64 = Buffer.from(SECRET).toString('base64');
  const leak = `key=${SECRET} url=${encodeURIComponent(SECRET)} basic=${base64}`;
  const backend = await ready({
    compute: {
      create: async (_request, inner) => {
        inner.log.info(`using ${SECRET}`, { headers: { authorization: [SECRET] }, error: new Error(leak) });
        throw new BackendError('auth', leak, { cause: new Error(leak) });
      },
    },
  });
  lines.length = 0;
  await assert.rejects(backend.compute.create(request, call()), (error) => {
    const seen = `${everythingIn(error)} ${lines.join(' ')}`;
    for (const spelling of [SECRET, encodeURIComponent(SECRET), base64]) assert.ok(!seen.includes(spelling), seen);
    assert.match(seen, /key=\[secret\]/);
    assert.equal(error instanceof BackendError && error.code, 'auth');
    return true;
  });
});

test('what the schema does not mark as secret may be shown', async () => {
  const backend = await ready({
    compute: {
      list: async () => {
        throw new BackendError('auth', 'jane-doe may not list');
      },
    },
  });
  await assert.rejects(backend.compute.list(call()), is('auth', /^jane-doe may not list$/));
});

test('offers are asked for once by many, remembered for a while, and forgotten on demand and after changes', async () => {
  let asked = 0;
  const backend = await ready({
    query: async () => {
      asked++;
      await new Promise((resolve) => setTimeout(resolve, 5));
      return [offer];
    },
  });
  const both = await Promise.all([backend.offers(null, call()), backend.offers(null, call())]);
  assert.deepEqual(both, [[offer], [offer]]);
  assert.equal(asked, 1);
  now += 999;
  await backend.offers(null, call());
  assert.equal(asked, 1);
  now += 1;
  await backend.offers(null, call());
  assert.equal(asked, 2);
  now -= 5000; // the clock steps back: nobody knows how old the answer is
  await backend.offers(null, call());
  assert.equal(asked, 3);
  backend.forgetOffers();
  await backend.offers(null, call());
  assert.equal(asked, 4);
  await backend.compute.create(request, call());
  await backend.offers(null, call());
  assert.equal(asked, 5);
  await backend.compute.terminate(ref, call());
  await backend.offers(null, call());
  assert.equal(asked, 6);
});

test('an answer that was on its way when the offers were forgotten is not remembered', async () => {
  const answers = [Promise.withResolvers<readonly Offer[]>(), Promise.withResolvers<readonly Offer[]>()];
  let asked = 0;
  const backend = await ready({ query: () => answers[asked++]?.promise ?? hang() });
  const before = backend.offers(null, call());
  await new Promise(setImmediate);
  backend.forgetOffers();
  const after = backend.offers(null, call());
  await new Promise(setImmediate);
  answers[1]?.resolve([offer]);
  assert.deepEqual(await after, [offer]);
  answers[0]?.resolve([]);
  assert.deepEqual(await before, []);
  assert.deepEqual(await backend.offers(null, call()), [offer]);
  assert.equal(asked, 2);
});

test('a failed question is asked again', async () => {
  let asked = 0;
  const backend = await ready({
    query: async () => {
      if (asked++ === 0) throw new BackendError('rate-limited', 'slow down');
      return [offer];
    },
  });
  await assert.rejects(backend.offers(null, call()), is('rate-limited', /slow down/));
  assert.deepEqual(await backend.offers(null, call()), [offer]);
});

test("one caller's abort does not take the answer from another", async () => {
  const answer = Promise.withResolvers<readonly Offer[]>();
  const backend = await ready({ query: () => answer.promise });
  const impatient = new AbortController();
  const first = backend.offers(null, call(impatient.signal));
  const second = backend.offers(null, call());
  impatient.abort();
  await assert.rejects(first, is('transient', /cancelled/));
  answer.resolve([offer]);
  assert.deepEqual(await second, [offer]);
});

test('a compute that cannot be made, or lacks a required member, is a config error', async () => {
  const without = defineBackend({
    ...definition(),
    compute: () => ({ ...quiet, list: undefined }) as unknown as Compute,
  });
  await assert.rejects(configureBackend(without, entry(), host(), call().signal), is('config', /no `list`.*C10/));
  const throws = defineBackend({
    ...definition(),
    compute: () => {
      throw new Error(`bad ${SECRET}`);
    },
  });
  await assert.rejects(configureBackend(throws, entry(), host(), call().signal), is('config', /bad \[secret\]/));
});

test('a price list cannot be configured as a backend, and the message says why', async () => {
  const { limits, configure, compute, agentStart, ...base } = definition();
  const prices = defineBackend({
    ...base,
    catalog: { kind: 'offline', credentials: 'none', rules: [], collect: async function* () {} },
  });
  await assert.rejects(configureBackend(prices, entry(), host(), call().signal), {
    code: 'not-supported',
    message: /only the price list of/,
  });
});

test('a backend with a price list is asked through the catalog, and its offers carry its own name', async () => {
  const priced = defineBackend({
    ...definition(),
    catalog: { kind: 'offline', credentials: 'none', rules: [], collect: async function* () {} },
  });
  const asked: string[] = [];
  const market = async (type: string) => {
    asked.push(type);
    return [{ ...offer, backend: type }];
  };
  const backend = await configureBackend(priced, entry(), { ...host(), market }, call().signal);
  const offers = await backend.offers(null, call());
  assert.deepEqual(asked, [priced.type]);
  assert.deepEqual(
    offers.map((one) => one.backend),
    [entry().name],
  );
});

test('an online source is asked with the account and config of each backend, and its answer is kept for a while', async () => {
  const asked: unknown[] = [];
  const asks = defineBackend({
    ...definition(),
    catalog: {
      kind: 'online',
      credentials: 'required',
      cacheForMs: 1_000,
      rules: [],
      collect: async function* ({ config }) {
        asked.push(config);
        yield { instanceType: 'small', region: 'r', capacityType: 'spot', pricePerHour: 2, cpus: 1, memoryMiB: 1024 };
        yield { instanceType: 'odd', region: 'r', capacityType: 'spot', pricePerHour: -1, cpus: 1, memoryMiB: 1024 };
      },
    },
  });
  const market = async () => assert.fail('the catalog is not asked');
  const backend = await configureBackend(asks, entry(), { ...host(), market }, call().signal);
  const offers = await backend.offers(null, call());
  assert.deepEqual(
    offers.map(({ id, backend: name, resources }) => [id, name, resources.diskMiB]),
    [[`${entry().name}/r/-/small/spot`, entry().name, 100 * 1024]],
  );
  await backend.compute.create(request, call());
  await backend.offers(null, call());
  assert.equal(asked.length, 1, 'a machine that was made is no reason to ask again');
  backend.forgetOffers();
  await backend.offers(null, call());
  now += 1_001;
  await backend.offers(null, call());
  assert.deepEqual(asked, [backend.config, backend.config, backend.config]);
});

test('a request to make something that failed however often it was sent leaves the outcome open', async () => {
  const lost = new HttpError('transient', 'POST x failed: reset', { status: null, retryAfterMs: null });
  const failing = (thrown: Error) => ready({ compute: { create: async () => Promise.reject(thrown) } });
  await assert.rejects((await failing(lost)).compute.create(request, call()), is('unknown', /reset/));
  const refused = new BackendError('transient', 'not begun');
  await assert.rejects((await failing(refused)).compute.create(request, call()), is('transient', /not begun/));
});
