import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openSqliteStore } from '@berth/store/sqlite';
import { homeAt, prepareHome } from '../config/home.ts';
import { NO_FILE } from '../config/server-config.ts';
import { claimDatabase, installationId } from './installation.ts';
import { withoutHost } from './known-config.ts';

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'berth-shared-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('servers with one shared folder are one installation, each with its own home', (t) => {
  const [a, b, shared] = [scratch(t), scratch(t), scratch(t)];
  const homes = [homeAt(a, shared), homeAt(b, shared)] as const;
  for (const home of homes) prepareHome(home);
  const [first, second] = homes;
  const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
  assert.equal(installationId(first, random), installationId(second, random));
  for (const name of ['serverConfig', 'keyFile', 'logs', 'artifacts', 'blobs', 'backendState', 'agents'] as const) {
    assert.ok(first[name].startsWith(shared) && first[name] === second[name], name);
  }
  for (const name of ['database', 'serverJson', 'serverLog', 'catalog', 'cache', 'clientConfig'] as const) {
    assert.ok(first[name].startsWith(a) && second[name].startsWith(b), name);
  }
});

test('a home without a shared folder is as it always was', (t) => {
  const root = scratch(t);
  assert.deepEqual(homeAt(root), homeAt(root, root));
  assert.equal(homeAt(root).keyFile, join(root, 'server', 'encryption.key'));
});

test('a database that is another installation’s is refused, and the hint says what is missing', async (t) => {
  const store = openSqliteStore({ path: ':memory:' });
  t.after(() => store.close());
  const home = homeAt(scratch(t));
  await claimDatabase(store, 'aaaa', home);
  await claimDatabase(store, 'aaaa', home);
  await assert.rejects(claimDatabase(store, 'bbbb', home), (error: Error & { hint?: string }) => {
    assert.match(error.message, /belongs to the installation aaaa, and .*server\/installation names this one bbbb/);
    assert.match(error.hint ?? '', /`shared`/);
    return true;
  });
});

test('of several hosts, none runs jobs unless config.yml says so', () => {
  assert.deepEqual(withoutHost(NO_FILE).projects, []);
  const named = { ...NO_FILE, projects: [{ name: 'main', backends: [] }] };
  assert.equal(withoutHost(named), named);
});

test('a shared folder that others may write is refused', (t) => {
  const [root, shared] = [scratch(t), scratch(t)];
  prepareHome(homeAt(root, shared));
  chmodSync(shared, 0o777);
  assert.throws(() => prepareHome(homeAt(root, shared)), /can be written by other users/);
});
