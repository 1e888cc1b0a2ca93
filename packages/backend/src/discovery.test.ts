import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { discoverBackends, loadBackends } from './discovery.ts';

let base = '';
before(async () => {
  base = await mkdtemp(join(tmpdir(), 'berth-discovery-'));
});
after(() => rm(base, { recursive: true, force: true }));

const schema = '{ safeParseAsync: async () => ({ success: true, data: {} }) }';

/** A module that is a backend of this type; `changes` is written into the object after all else. */
function backendModule(type: string, changes = ''): string {
  return `export default {
    type: '${type}', title: 'T', kind: 'vm',
    agentStart: 'process',
    limits: { nameLength: 63, tags: true, provisioningTimeoutMs: 1000 },
    credentials: { default: ${schema} }, config: ${schema},
    configure: async () => ({ config: {}, account: 'a' }),
    catalog: { kind: 'owned', cacheForMs: 0, query: async () => [] },
    compute: () => ({}),
    ${changes}
  };`;
}

async function root(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const dir = join(base, name);
  await mkdir(dir, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return dir;
}

const manifest = (name: string, module: unknown = './index.mjs'): string =>
  JSON.stringify({ name, berth: { backend: module } });

/** The one reason of a root that holds one broken backend and nothing else. */
async function reasonOf(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const loaded = await loadBackends(await discoverBackends({ roots: [await root(name, files)] }));
  assert.deepEqual(loaded.available, []);
  assert.equal(loaded.unavailable.length, 1);
  return loaded.unavailable[0]?.reason ?? '';
}

test('a package in a root, and one in a scope, are found; other packages are passed over', async () => {
  const dir = await root('plain', {
    'cloudy/package.json': manifest('cloudy'),
    'cloudy/index.mjs': backendModule('cloudy'),
    '@acme/misty/package.json': manifest('@acme/misty', 'lib/main.mjs'),
    '@acme/misty/lib/main.mjs': backendModule('misty'),
    'unrelated/package.json': '{"name":"unrelated"}',
    'of-another-part/package.json': '{"name":"x","berth":{"catalog":"./c.js"}}',
    'no-manifest/readme.txt': 'nothing',
    'a-file.txt': 'nothing',
  });
  const discovery = await discoverBackends({ roots: [dir] });
  assert.deepEqual(
    discovery.found.map((backend) => backend.packageName),
    ['@acme/misty', 'cloudy'],
  );
  const loaded = await loadBackends(discovery);
  assert.deepEqual(
    loaded.available.map((backend) => backend.definition.type),
    ['misty', 'cloudy'],
  );
  assert.deepEqual(loaded.unavailable, []);
});

test('discovery runs no code of a package', async () => {
  const dir = await root('lazy', {
    'a/package.json': manifest('a'),
    'a/index.mjs': `globalThis.berthDiscoveryRan = true; ${backendModule('a')}`,
  });
  const { found } = await discoverBackends({ roots: [dir] });
  assert.equal(Reflect.get(globalThis, 'berthDiscoveryRan'), undefined);
  await found[0]?.load();
  assert.equal(Reflect.get(globalThis, 'berthDiscoveryRan'), true);
});

test('a root that does not exist is an empty one', async () => {
  assert.deepEqual(await discoverBackends({ roots: [join(base, 'absent')] }), { found: [], unavailable: [] });
});

test('of two packages with one type the first root wins, both are named, and the order of loading is no matter', async () => {
  const slow = `await new Promise((r) => setTimeout(r, 50)); ${backendModule('twin')}`;
  const first = await root('twin-1', { 'z/package.json': manifest('zulu'), 'z/index.mjs': slow });
  const second = await root('twin-2', { 'a/package.json': manifest('alfa'), 'a/index.mjs': backendModule('twin') });
  const loaded = await loadBackends(await discoverBackends({ roots: [first, second] }));
  assert.deepEqual(
    loaded.available.map((backend) => backend.packageName),
    ['zulu'],
  );
  assert.equal(loaded.unavailable.length, 1);
  assert.match(loaded.unavailable[0]?.reason ?? '', /C12.*zulu in .*twin-1.*is used.*alfa in .*twin-2/);
});

test('a package that two roots link to is one backend', async () => {
  const dir = await root('linked', { 'a/package.json': manifest('a'), 'a/index.mjs': backendModule('linked') });
  const links = await root('links', {});
  await symlink(join(dir, 'a'), join(links, 'a'));
  const loaded = await loadBackends(await discoverBackends({ roots: [dir, links] }));
  assert.equal(loaded.available.length, 1);
  assert.deepEqual(loaded.unavailable, []);
});

test('a module path that leads out of the package is refused, as text and as a link', async () => {
  const outside = { 'outside.mjs': backendModule('outside') };
  assert.match(
    await reasonOf('escape-1', { ...outside, 'a/package.json': manifest('a', '../outside.mjs') }),
    /leads out/,
  );
  assert.match(await reasonOf('escape-2', { ...outside, 'a/package.json': manifest('a', '../../x.mjs') }), /leads out/);
  assert.match(await reasonOf('escape-3', { 'a/package.json': manifest('a', '/etc/hostname') }), /leads out/);
  const dir = await root('escape-4', { ...outside, 'a/package.json': manifest('a') });
  await symlink(join(dir, 'outside.mjs'), join(dir, 'a/index.mjs'));
  assert.match((await discoverBackends({ roots: [dir] })).unavailable[0]?.reason ?? '', /a link out of the package/);
});

test('a module path inside the package may begin with two dots', async () => {
  const dir = await root('dots', { 'a/package.json': manifest('a', './..x.mjs'), 'a/..x.mjs': backendModule('dots') });
  assert.equal((await discoverBackends({ roots: [dir] })).found.length, 1);
});

test('a package.json that is no JSON, or cannot be read, is named with the reason', async () => {
  assert.match(await reasonOf('no-json', { 'a/package.json': '{ "berth": { ' }), /package\.json is not JSON/);
  assert.match(await reasonOf('a-folder', { 'a/package.json/x': '' }), /package\.json cannot be read: .*EISDIR/);
});

test('a `berth.backend` that is no path is named with the reason', async () => {
  for (const [name, value] of Object.entries({ number: 7, empty: '', object: {} })) {
    assert.match(
      await reasonOf(`bad-${name}`, { 'a/package.json': manifest('a', value) }),
      /must be the relative path/,
    );
  }
});

test('a missing module, a syntax error and a throw at import are named and never thrown', async () => {
  assert.match(
    await reasonOf('gone', { 'a/package.json': manifest('a') }),
    /"\.\/index\.mjs" cannot be read: there is/,
  );
  assert.match(
    await reasonOf('syntax', { 'a/package.json': manifest('a'), 'a/index.mjs': 'export default {' }),
    /cannot be imported: SyntaxError/,
  );
  assert.match(
    await reasonOf('throws', { 'a/package.json': manifest('a'), 'a/index.mjs': 'throw new Error("no GPU SDK here.")' }),
    /cannot be imported: Error: no GPU SDK here\.$/,
  );
  assert.match(
    await reasonOf('throws-null', { 'a/package.json': manifest('a'), 'a/index.mjs': 'throw Object.create(null)' }),
    /cannot be imported/,
  );
  assert.match(
    await reasonOf('no-sdk', { 'a/package.json': manifest('a'), 'a/index.mjs': 'import "an-sdk-that-is-absent"' }),
    /cannot be imported: .*an-sdk-that-is-absent/,
  );
});

test('a module without a default export, or with one that is no definition, is refused by rule', async () => {
  const one = (text: string): Record<string, string> => ({ 'a/package.json': manifest('a'), 'a/index.mjs': text });
  assert.match(await reasonOf('no-default', one('export const x = 1;')), /no default export \(C9\)/);
  assert.match(await reasonOf('null', one('export default null;')), /null, not a backend definition \(C9\)/);
  assert.match(await reasonOf('function', one('export default () => {};')), /a function, not a .* \(C9\)/);
  const reason = await reasonOf('half', one("export default { type: 'Half!', config: 1, credentials: {} };"));
  for (const rule of [/`type` .*C10/, /`title`/, /`kind`/, /`limits`/, /`config`.*C11/, /`credentials`.*C11/]) {
    assert.match(reason, rule);
  }
  assert.match(
    await reasonOf('bad-limits', one(backendModule('x', 'limits: { nameLength: 0, tags: 1 }'))),
    /limits\.nameLength.*limits\.tags.*limits\.provisioningTimeoutMs/,
  );
});

/** A module whose catalog is what `catalog` says; nothing of what creating machines takes. */
function priceListModule(catalog: string): Record<string, string> {
  const base = `type: 'prices', title: 'Prices', kind: 'vm', credentials: { default: z.object({}) }, config: z.object({})`;
  const text = `import { z } from ${JSON.stringify(import.meta.resolve('zod'))}; export default { ${base}, catalog: ${catalog} };`;
  return { 'a/package.json': manifest('a'), 'a/index.mjs': text };
}

test('a folder with a price list alone is a backend (C13), one with machines of its own needs a compute', async () => {
  const prices = "{ kind: 'offline', credentials: 'none', rules: [], collect: async function* () {} }";
  const dir = await root('prices', priceListModule(prices));
  const { available, unavailable } = await loadBackends(await discoverBackends({ roots: [dir] }));
  assert.deepEqual(unavailable, []);
  assert.equal(available[0]?.definition.compute, undefined);
  const own = priceListModule("{ kind: 'owned', cacheForMs: 0, query: async () => [] }");
  assert.match(await reasonOf('own', own), /`limits` is missing.*`compute` must be a function/);
});

test('a source that does not say how it collects is refused by rule', async () => {
  assert.match(
    await reasonOf('half-source', priceListModule("{ kind: 'online', credentials: 'maybe' }")),
    /`catalog\.collect`.*`catalog\.credentials`.*`catalog\.rules`.*`catalog\.cacheForMs`/,
  );
  assert.match(
    await reasonOf('no-source', priceListModule("{ kind: 'weekly' }")),
    /made by `offline`, `online` or `owned`/,
  );
});

test('a broken backend does not keep its neighbour from loading', async () => {
  const dir = await root('neighbours', {
    'a/package.json': manifest('a'),
    'a/index.mjs': 'throw 1',
    'b/package.json': manifest('b'),
    'b/index.mjs': backendModule('b'),
  });
  const loaded = await loadBackends(await discoverBackends({ roots: [dir] }));
  assert.equal(loaded.available.length, 1);
  assert.equal(loaded.unavailable.length, 1);
});

test('regression: an export that throws when it is looked at is named and never thrown', async () => {
  const one = (text: string): Record<string, string> => ({ 'a/package.json': manifest('a'), 'a/index.mjs': text });
  const getter = one('export default { get type() { throw new Error("trap.") } };');
  assert.match(await reasonOf('getter', getter), /exports cannot be looked at: Error: trap\.$/);
  const proxy = one('export default new Proxy({}, { get() { throw "trap" } });');
  assert.match(await reasonOf('proxy', proxy), /exports cannot be looked at: 'trap'\.$/);
});

test('regression: a module that ends the process while it is imported is named', async () => {
  const dir = await root('exits', { 'a/package.json': manifest('a'), 'a/index.mjs': 'process.exit(7);' });
  const discovery = pathToFileURL(join(import.meta.dirname, 'discovery.ts')).href;
  const program =
    `import { discoverBackends, loadBackends } from ${JSON.stringify(discovery)};` +
    `await loadBackends(await discoverBackends({ roots: [${JSON.stringify(dir)}] }));`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  assert.equal(child.status, 7);
  assert.match(child.stderr, /ended while backends were being imported.*a\/index\.mjs\n$/);
});

test('regression: a pipe in the place of a package.json or of a module is not waited for', async () => {
  const dir = await root('pipes', {
    'a/package.json': manifest('a'),
    'b/keep': '',
    'c/package.json': manifest('c', 'lib'),
  });
  await mkdir(join(dir, 'c/lib'));
  for (const path of ['a/index.mjs', 'b/package.json']) execFileSync('mkfifo', [join(dir, path)]);
  const { found, unavailable } = await discoverBackends({ roots: [dir] });
  assert.deepEqual(found, []);
  assert.deepEqual(
    unavailable.map(({ reason }) => reason),
    ['Its module "./index.mjs" is not a file.', 'Its module "lib" is not a file.'],
  );
});
