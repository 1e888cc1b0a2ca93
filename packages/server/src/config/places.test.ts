import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readPlaces } from './places.ts';

function file(t: TestContext, text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'berth-places-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'config.yml'), text);
  return join(dir, 'config.yml');
}

const read = async (path: string, env: NodeJS.ProcessEnv = {}) => {
  const { database, shared } = await readPlaces(path, env);
  return { database: database?.reveal() ?? null, shared };
};

test('without a word the state lies in the home', async (t) => {
  assert.deepEqual(await read('/nowhere/config.yml'), { database: null, shared: null });
  assert.deepEqual(await read(file(t, 'projects: [')), { database: null, shared: null });
});

test('the file says where it lies, and the environment goes before it', async (t) => {
  const path = file(t, 'database: postgres://u:p@db/berth\nshared: /srv/berth\n');
  assert.deepEqual(await read(path), { database: 'postgresql://u:p@db/berth', shared: '/srv/berth' });
  const env = { BERTH_DATABASE_URL: 'postgresql://other/berth', BERTH_SHARED_DIR: '/mnt/b' };
  assert.deepEqual(await read(path, env), { database: 'postgresql://other/berth', shared: '/mnt/b' });
  const asBefore = { DSTACK_DATABASE_URL: 'postgresql+asyncpg://u@db/x' };
  assert.equal((await read('/nowhere', asBefore)).database, 'postgresql://u@db/x');
});

test('also in the short form of YAML', async (t) => {
  const path = file(t, '{"database": "postgres://db/b", "shared": "/srv/berth"}');
  assert.deepEqual(await read(path), { database: 'postgresql://db/b', shared: '/srv/berth' });
});

test('mistakes elsewhere in the file do not matter; one that hides the database stops the server', async (t) => {
  assert.equal((await read(file(t, 'database: postgres://db/b\nprojects: 5\n'))).database, 'postgresql://db/b');
  await assert.rejects(read(file(t, 'database: postgres://db/b\nprojects: [\n')));
  await assert.rejects(read(file(t, 'shared: here\n')), /`shared` must be an absolute path/);
});

test('with a shared folder, the rest stands there', async (t) => {
  await assert.rejects(read(file(t, 'shared: /srv/berth\nlimits: {}\n')), /may hold .* not `limits`/);
  await assert.rejects(read(file(t, 'limits: {}\n'), { BERTH_SHARED_DIR: '/srv/berth' }), /not `limits`/);
});

test('a folder is shared only together with a database', async (t) => {
  await assert.rejects(read(file(t, 'shared: /srv/berth\n')), /no database is/);
});

test('a password is never repeated', async (t) => {
  await assert.rejects(read(file(t, 'database: mysql://u:geheim@db/b\n')), (error: Error) => {
    assert.match(error.message, /`database` must be postgresql:/);
    assert.doesNotMatch(JSON.stringify(error) + error.message, /geheim/);
    return true;
  });
  const { database } = await readPlaces('/nowhere', { BERTH_DATABASE_URL: 'postgresql://u:geheim@db/b' });
  assert.doesNotMatch(`${database} ${JSON.stringify({ database })}`, /geheim/);
});
