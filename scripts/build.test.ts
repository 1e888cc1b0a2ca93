import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { discoverBackends, loadBackends } from '@berth/backend';
import { realHttp } from '@berth/http/real-http';
import { buildAll } from './build.ts';
import { licenseText } from './third-party-licenses.ts';

const dist = mkdtempSync(join(tmpdir(), 'berth-dist-'));
let metafiles: Awaited<ReturnType<typeof buildAll>> = [];
before(async () => {
  metafiles = await buildAll(dist);
});
after(() => rmSync(dist, { recursive: true, force: true }));

const scripts = (): readonly string[] =>
  readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
const text = (file: string): string => readFileSync(join(dist, file), 'utf8');

/** The files that hold the body of this class, told by the name that it gives its errors. */
const holdersOf = (name: string): readonly string[] =>
  scripts().filter((file) => file !== 'agent.js' && !file.startsWith('cli/') && text(file).includes(`name="${name}"`));

test('server and backends share one BackendError, so that what one throws the other knows by its class', async () => {
  const holders = holdersOf('BackendError');
  assert.equal(holders.length, 1, `BackendError is in ${holders.join(' and ')}`);
  const exports: Record<string, unknown> = await import(pathToFileURL(join(dist, holders[0] ?? '')).href);
  const shared = Object.values(exports).find((value) => typeof value === 'function' && value.name === 'BackendError');
  assert.ok(typeof shared === 'function');
  const { available, unavailable } = await loadBackends(await discoverBackends({ roots: [join(dist, 'backends')] }));
  assert.deepEqual(unavailable, []);
  const local = available.find(({ definition }) => definition.type === 'local')?.definition;
  assert.ok(local?.compute !== undefined);
  const stop = new AbortController();
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const compute = local.compute({
    name: 'local',
    installation: 'test',
    config: {},
    credentials: {},
    clock: { now: () => 0 },
    random: (length) => new Uint8Array(length),
    log,
    http: realHttp(),
    stateDir: join(dist, 'state'),
  });
  // A start without a program can never work; any backend refuses it with a BackendError.
  const nothing = { kind: 'process', argv: [], env: {}, socketPath: '/nowhere', dir: '/nowhere/at/all' } as const;
  const request = { token: 't', name: 'n', tags: {}, agentStart: nothing };
  await assert.rejects(
    // Refused before instance and offer are looked at.
    compute.create(request as unknown as Parameters<typeof compute.create>[0], { signal: stop.signal, log }),
    (error) => error instanceof shared,
  );
});

test('nothing in a build is looked up by package name: all is there, or is a part of Node', () => {
  const foreign = metafiles
    .flatMap(({ outputs }) => Object.entries(outputs))
    .flatMap(([file, { imports }]) => imports.filter(({ external }) => external).map(({ path }) => `${file}: ${path}`))
    .filter((line) => !isBuiltin(line.slice(line.lastIndexOf(' ') + 1)));
  assert.deepEqual(foreign, []);
});

test('the agent is one file', () => {
  assert.doesNotMatch(text('agent.js'), /\bfrom\s*["']\.|\bimport\(\s*["']\./);
});

test('a command is not loaded before it is called', () => {
  const main = text('cli/main.js');
  for (const word of ['commander', 'node:http', 'sqlite']) assert.ok(!main.includes(word), `main.js knows ${word}`);
  assert.ok(scripts().filter((file) => file.startsWith('cli/')).length > 20);
});

test('every bundled package is there with its licence, those that others have bundled too', () => {
  const licenses = readFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  // fastify brings ajv; tar is published with minipass inside.
  for (const name of ['zod', 'yaml', 'commander', 'fastify', 'ajv', 'tar', 'minipass', 'ignore']) {
    assert.match(licenses, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
  }
  assert.doesNotMatch(licenses, /^(?:esbuild|typescript|fast-check) /m);
});

test('a licence stands under its package, whole', () => {
  const out = licenseText([{ name: 'a', version: '1.0.0', license: 'MIT', texts: ['Copyright A', 'Notice A'] }]);
  assert.match(out, /a 1\.0\.0 \(MIT\)\n-+\n\nCopyright A\n\nNotice A\n/);
});
