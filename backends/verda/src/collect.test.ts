import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Harvest, harvest, judged, mapped } from '@berth/catalog/testing/harvest';
import { type Answer, type ReplayServer, replayServer, tooMany, webPage } from '@berth/http/testing/replay-server';
import { ClientCredentials } from './access-token.ts';
import { collectAvailable } from './collect.ts';
import verda from './index.ts';

const CREDENTIALS = ClientCredentials.parse({ client_id: 'id-1', client_secret: 'secret-1' });
const TOKEN = 'POST /v1/oauth2/token';
const TYPES = 'GET /v1/instance-types';
const LOCATIONS = 'GET /v1/locations';
const AVAILABILITY = 'GET /v1/instance-availability';

const H100 = {
  id: 'deadc0de-a5d2-4972-ae4e-d429115d055b',
  instance_type: '8H100.80S.176V',
  model: 'H100',
  name: 'H100 SXM5 80GB',
  manufacturer: 'NVIDIA',
  cpu: { description: '176 CPU', number_of_cores: 176 },
  gpu: { description: '8x H100 SXM5 80GB', number_of_gpus: 8 },
  gpu_memory: { description: '640GB GPU RAM', size_in_gigabytes: 640 },
  memory: { description: '1480GB RAM', size_in_gigabytes: 1480 },
  price_per_hour: '18.32',
  spot_price: '6.41',
  dynamic_price: '17.00',
  currency: 'usd',
};

function one(instance_type: string, description: string, gigabytes: number) {
  const gpu_memory = { description: '', size_in_gigabytes: gigabytes };
  return { ...H100, instance_type, gpu: { description, number_of_gpus: 1 }, gpu_memory };
}

const PLAIN = {
  ...H100,
  instance_type: 'CPU.4V.16G',
  cpu: { description: '4 CPU', number_of_cores: 4 },
  memory: { description: '16GB RAM', size_in_gigabytes: 16 },
  gpu: { description: '', number_of_gpus: 0 },
  gpu_memory: { description: '', size_in_gigabytes: 0 },
  price_per_hour: 0.0279,
  spot_price: null,
};

interface Scenario {
  readonly types?: readonly unknown[];
  readonly onDemand?: Readonly<Record<string, readonly string[]>>;
  readonly spot?: Readonly<Record<string, readonly string[]>>;
  readonly routes?: Readonly<Record<string, readonly [Answer, ...Answer[]]>>;
}

function perLocation(all: Readonly<Record<string, readonly string[]>>) {
  const json = Object.entries(all).map(([location_code, availabilities]) => ({ location_code, availabilities }));
  return { json };
}

function play(server: ReplayServer, { types = [H100], onDemand, spot, routes = {} }: Scenario): void {
  server.on(TOKEN, { json: { access_token: 'token-1', token_type: 'Bearer', expires_in: 3600, scope: 'x' } });
  server.on(TYPES, { json: types });
  const finland = { code: 'FIN-01', name: 'Finland 1', country_code: 'FI' };
  server.on(LOCATIONS, { json: [finland, { code: 'ICE-01', name: 'Iceland 1', country_code: 'IS' }] });
  server.on(AVAILABILITY, ({ query }) =>
    perLocation((query.get('is_spot') === 'true' ? spot : onDemand) ?? { 'FIN-01': [], 'ICE-01': [] }),
  );
  for (const [route, answers] of Object.entries(routes)) server.on(route, ...answers);
}

async function collect(scenario: Scenario): Promise<Harvest & { readonly asked: readonly string[] }> {
  await using server = await replayServer();
  play(server, scenario);
  const origins = server.instead('https://api.verda.com');
  const gathered = await harvest(collectAvailable, { origins, credentials: CREDENTIALS, timeoutMs: 200 });
  const asked = server.requests.map(({ path, body, headers }) => `${path} ${headers.authorization ?? body}`);
  return { ...gathered, asked };
}

test('what a location can start now is offered there, on demand and as spot', async () => {
  const { offers, skipped } = await collect({
    types: [H100, PLAIN],
    onDemand: { 'FIN-01': ['8H100.80S.176V', 'CPU.4V.16G'], 'ICE-01': [] },
    spot: { 'FIN-01': [], 'ICE-01': ['8H100.80S.176V'] },
  });
  const all = mapped(offers, 'verda').map(({ id, country, pricePerHour, cpus, memoryMiB, availability }) => {
    return { id, country, pricePerHour, cpus, memoryGib: memoryMiB / 1024, availability };
  });
  const h100 = { cpus: 176, memoryGib: 1480, availability: 'available' };
  assert.deepEqual(all, [
    { id: 'verda/FIN-01/-/8H100.80S.176V/on-demand/H100:80GB:8', country: 'FI', pricePerHour: 18.32, ...h100 },
    {
      id: 'verda/FIN-01/-/CPU.4V.16G/on-demand',
      country: 'FI',
      pricePerHour: 0.0279,
      cpus: 4,
      memoryGib: 16,
      availability: 'available',
    },
    { id: 'verda/ICE-01/-/8H100.80S.176V/spot/H100:80GB:8', country: 'IS', pricePerHour: 6.41, ...h100 },
  ]);
  assert.deepEqual(skipped, []);
});

test('types and locations are not multiplied: a type that no location can start is no offer, and it is said', async () => {
  const { offers, skipped } = await collect({});
  assert.deepEqual(offers, []);
  assert.deepEqual(skipped, ['8H100.80S.176V: no location can start one now, and which ones sell it is not told']);
});

test('every device of the list is one that the registry knows, AMD included', async () => {
  const devices: readonly (readonly [description: string, gigabytes: number, id: string])[] = [
    ['1x B200 SXM6', 180, 'B200:180GB:1'],
    ['1x B300 SXM6 262GB', 262, 'B300:270GB:1'],
    ['1x H200 SXM5 141GB', 141, 'H200:141GB:1'],
    ['1x A100 SXM4 40GB', 40, 'A100:40GB:1'],
    ['1x L40S 48GB', 48, 'L40S:48GB:1'],
    ['1x RTX PRO 6000 96GB', 96, 'RTXPRO6000:96GB:1'],
    ['1x RTX 6000 Ada 48GB', 48, 'RTX6000Ada:48GB:1'],
    ['1x RTX A6000 48GB', 48, 'A6000:48GB:1'],
    ['1x Tesla V100 16GB', 16, 'V100:16GB:1'],
    ['1x AMD 7900XTX 24GB', 24, 'RX7900XTX:24GB:1'],
    ['1x GB300 SXM6', 278, 'GB300:278GB:1'],
  ];
  const types = devices.map(([description, gigabytes], index) => one(`t${index}`, description, gigabytes));
  const { offers } = await collect({ types, onDemand: { 'FIN-02': types.map((type) => type.instance_type) } });
  const all = mapped(offers, 'verda');
  assert.deepEqual(
    all.map(({ id }) => id.split('/').at(-1)),
    devices.map(([, , id]) => id),
  );
  assert.equal(all.at(-1)?.cpuArch, 'arm');
});

test('a type without a spot price, and one that is not listed, are skipped with the reason', async () => {
  const { offers, skipped } = await collect({
    types: [{ ...H100, spot_price: null }],
    spot: { 'FIN-01': ['8H100.80S.176V', '1NEW.1V'] },
  });
  assert.deepEqual(offers, []);
  assert.deepEqual(skipped, [
    '8H100.80S.176V in FIN-01: it is available as spot, and has no spot price',
    '1NEW.1V in FIN-01: it is available, and no instance type of that name is listed',
  ]);
});

test('the token is asked for with the credentials, and everything else with the token', async () => {
  const { asked } = await collect({});
  assert.deepEqual(asked, [
    '/v1/oauth2/token {"grant_type":"client_credentials","client_id":"id-1","client_secret":"secret-1"}',
    '/v1/instance-types Bearer token-1',
    '/v1/locations Bearer token-1',
    '/v1/instance-availability Bearer token-1',
    '/v1/instance-availability Bearer token-1',
  ]);
});

test('refused credentials are an error that does not hold them', async () => {
  const refused = { status: 401, body: 'wrong client_secret secret-1' };
  await assert.rejects(collect({ routes: { [TOKEN]: [refused] } }), (error: Error) => {
    assert.match(error.message, /answered 401/);
    assert.doesNotMatch(error.message, /secret-1/);
    return true;
  });
});

test('a token that was not given for lack of a server is asked for again', async () => {
  const routes = { [TOKEN]: [{ status: 503, body: 'no' }, { json: { access_token: 'token-1' } }] } as const;
  assert.equal((await collect({ routes })).asked.length, 6);
});

test('too many requests are repeated, for the token too', async () => {
  const token = { json: { access_token: 'token-1' } };
  const routes = { [TOKEN]: [tooMany('1'), token], [TYPES]: [tooMany('1'), { json: [H100] }] } as const;
  assert.equal((await collect({ routes })).asked.length, 7);
});

test('prices in another currency are an error, not numbers', async () => {
  await assert.rejects(collect({ types: [{ ...H100, currency: 'eur' }] }), /0\.currency/);
});

test('a field that changed is named', async () => {
  await assert.rejects(collect({ types: [{ ...H100, price_per_hour: 'free' }] }), /0\.price_per_hour/);
  const changed = { json: [{ location: 'FIN-01', availabilities: [] }] };
  await assert.rejects(collect({ routes: { [AVAILABILITY]: [changed] } }), /0\.location_code/);
});

test('without an answer about spot the whole list fails: half of it would look like all', async () => {
  const half: Answer = ({ query }) =>
    query.get('is_spot') === 'true' ? { status: 500, body: 'no' } : perLocation({ 'FIN-01': ['8H100.80S.176V'] });
  await assert.rejects(collect({ routes: { [AVAILABILITY]: [half] } }), { code: 'transient' });
});

test('an empty list, and a web page, are errors', async () => {
  await assert.rejects(collect({ types: [] }), { code: 'no-offers' });
  await assert.rejects(collect({ routes: { [AVAILABILITY]: [{ json: [] }] } }), { code: 'no-offers' });
  await assert.rejects(collect({ routes: { [TOKEN]: [webPage()] } }), /answered with a web page/);
});

test('an answer that never comes is a time-out, and is not waited for past the deadline', async () => {
  await assert.rejects(collect({ routes: { [TYPES]: [{ headAfterMs: Infinity }] } }), {
    code: 'transient',
    message: /did not answer within/,
  });
  await using server = await replayServer();
  play(server, { routes: { [TYPES]: [{ headAfterMs: Infinity }] } });
  const options = { origins: server.instead('https://api.verda.com'), credentials: CREDENTIALS };
  const signal = AbortSignal.timeout(50);
  await assert.rejects(harvest(collectAvailable, { ...options, signal }), { name: 'TimeoutError' });
});

test('its rules keep out none of its offers, wherever there are some now', async () => {
  const { catalog } = verda;
  assert.ok(catalog.kind === 'online' && catalog.collect === collectAvailable);
  const { offers } = await collect({
    types: [H100, PLAIN],
    onDemand: { 'ICE-01': [H100.instance_type, PLAIN.instance_type] },
    spot: { 'ICE-01': [H100.instance_type] },
  });
  assert.deepEqual(judged(offers, 'verda', catalog.rules), { keptOut: [], blocked: null });
});
