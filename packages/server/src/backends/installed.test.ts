import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { installedBackends, installedPackages } from './installed.ts';

test('a start loads what a server without a configuration has; the clouds load when they are asked for', async () => {
  const installed = await installedBackends('/nowhere');
  assert.deepEqual(installed.types, ['local']);
  assert.equal(installed.definition('aws'), null);
  const entry = { name: 'mine', type: 'awz', config: {}, credentials: { kind: 'default', value: null } };
  const unknown = installed.configure(entry, {} as never, new AbortController().signal);
  await assert.rejects(unknown, /unknown type "awz"/);
  assert.ok(installed.types.includes('aws'), 'what is not among those that are loaded is looked for among all');
  assert.equal(installed.definition('aws')?.catalog.kind, 'offline');
  assert.equal((await installed.all()).definition('local')?.catalog.kind, 'owned');
});

test('regression: a backend of the home that others may write is not run, and says why', async (t) => {
  const own = mkdtempSync(join(tmpdir(), 'berth-own-'));
  t.after(() => rmSync(own, { recursive: true }));
  const dir = join(own, 'acme');
  mkdirSync(dir, { mode: 0o755 });
  writeFileSync(join(dir, 'package.json'), '{ "name": "acme", "berth": { "backend": "./index.js" } }');
  writeFileSync(join(dir, 'index.js'), 'export default {};', { mode: 0o644 });
  const names = async () => (await installedPackages(own)).found.map(({ packageName }) => packageName);
  assert.ok((await names()).includes('acme'));
  for (const path of [join(dir, 'index.js'), dir, own]) {
    chmodSync(path, 0o777);
    assert.ok(!(await names()).includes('acme'), path);
    const { unavailable } = await installedPackages(own);
    assert.match(unavailable.find((one) => one.dir === dir)?.reason ?? '', /Others may write it/);
    chmodSync(path, 0o755);
  }
});
