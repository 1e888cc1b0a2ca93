import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readServerConfig } from './config-file.ts';
import { readPlaces } from './places.ts';

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'berth-config-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('regression: a secret in a pipe, a device or a folder costs its own backend, and is never waited for', async (t) => {
  const dir = scratch(t);
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  const path = join(dir, 'config.yml');
  const fields = 'a: "${file:pipe}", b: "${file:/dev/zero}", c: "${file:.}"';
  writeFileSync(path, `projects: [{ name: main, backends: [{ type: x, creds: { type: k, ${fields} } }] }]`);
  const { projects } = await readServerConfig(path);
  const faults = projects?.[0]?.backends[0]?.faults.map(({ message }) => message) ?? [];
  assert.equal(faults.length, 3);
  assert.match(faults.join('\n'), /pipe cannot be read \(not a file\)\n.*zero .*\(not a file\)\n.*\(a directory\)/);
});

test('regression: a pipe in the place of the server’s config.yml is an error and is not waited for', async (t) => {
  const path = join(scratch(t), 'config.yml');
  execFileSync('mkfifo', [path]);
  await assert.rejects(readServerConfig(path), /config\.yml cannot be read: not a file/);
  await assert.rejects(readPlaces(path, {}), /config\.yml cannot be read: not a file/);
});
