import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Secret } from '@berth/core/secret';
import { parse } from 'yaml';
import { homeAt, prepareHome } from '../config/home.ts';
import { addClientEntry } from './client-config.ts';
import { installationId } from './installation.ts';
import { removeServerJson, writeServerJson } from './server-json.ts';

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'berth-start-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const entry = { project: 'main', url: 'http://127.0.0.1:3000', token: new Secret('berth_abc') };

test('the command line finds the first project as its default one, in a file of its own', async (t) => {
  const path = join(scratch(t), 'config.yml');
  await addClientEntry(path, entry);
  assert.deepEqual(parse(readFileSync(path, 'utf8')), {
    projects: [{ name: 'main', url: 'http://127.0.0.1:3000', token: 'berth_abc', default: true }],
  });
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('what a person has written there stays, with its comments and its default', async (t) => {
  const path = join(scratch(t), 'config.yml');
  writeFileSync(
    path,
    '# mine\nprojects:\n  - name: main # of the team\n    url: https://berth.example\n    token: t\n    default: true\n',
  );
  await addClientEntry(path, entry);
  const text = readFileSync(path, 'utf8');
  assert.match(text, /# mine/);
  assert.match(text, /# of the team/);
  assert.deepEqual(
    parse(text).projects.map((p: { name: string; default?: boolean }) => [p.name, p.default]),
    [
      ['main', true],
      ['main-here', undefined],
    ],
  );
  writeFileSync(path, 'projects: [\n');
  await assert.rejects(addClientEntry(path, entry), /is not YAML/);
  writeFileSync(path, '# nothing but this\nprojects:\n');
  await addClientEntry(path, entry);
  assert.equal(parse(readFileSync(path, 'utf8')).projects[0].default, true);
});

test('an installation keeps its name for ever', (t) => {
  const home = homeAt(scratch(t));
  prepareHome(home);
  const id = installationId(home, randomBytes);
  assert.match(id, /^[0-9a-f]{12}$/);
  assert.equal(installationId(home, randomBytes), id);
});

test('server.json tells who serves, to its owner only, and is not taken from another', (t) => {
  const path = join(scratch(t), 'server.json');
  writeServerJson(path, { url: 'http://127.0.0.1:1', version: '1', startedAt: 5 });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const { pid, startTime, ...rest } = JSON.parse(readFileSync(path, 'utf8'));
  assert.equal(pid, process.pid);
  assert.ok(startTime === null || startTime > 0);
  assert.deepEqual(rest, { url: 'http://127.0.0.1:1', version: '1', startedAt: 5 });
  writeFileSync(path, JSON.stringify({ pid: process.pid + 1 }));
  removeServerJson(path);
  assert.ok(statSync(path));
  writeServerJson(path, { url: 'x', version: '1', startedAt: 5 });
  removeServerJson(path);
  assert.throws(() => statSync(path));
  removeServerJson(path);
});
