/** `berth backend new`: one folder, which compiles, is discovered, and is red until the cloud is written. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { discoverBackends, loadBackends } from '@berth/backend';
import type { ConformanceReport } from '@berth/core/backend-tool';
import { cloneInto } from './clone.ts';

const ROOT = join(import.meta.dirname, '..');
const BIN = join(ROOT, 'node_modules', '.bin');
const base = mkdtempSync(join(tmpdir(), 'berth-scaffold-'));
after(() => rmSync(base, { recursive: true, force: true }));

function berth(
  clone: string,
  cwd: string,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } {
  const main = join(clone, 'packages', 'cli', 'src', 'main.ts');
  const env = { ...process.env, BERTH_HOME: join(base, 'home') };
  return spawnSync(process.execPath, [main, ...args], { cwd, env, encoding: 'utf8' });
}

const dir = join(base, 'clone');
cloneInto(dir);
const made = [
  ['Zz One', 'vm', 'offline'],
  ['Zz Two', 'vm', 'online'],
  ['Zz Three', 'container', 'offline'],
  ['Zz Four', 'container', 'online'],
] as const;

test('in a clone nothing changes but one new folder for each', () => {
  for (const [title, kind, catalog] of made) {
    const { status, stderr } = berth(dir, dir, 'backend', 'new', title, '--kind', kind, '--catalog', catalog);
    assert.equal(status, 0, stderr);
  }
  const changed = execFileSync('git', ['status', '--porcelain'], { cwd: dir, encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(
    changed.map((line) => line.trim()).filter((line) => line !== '?? node_modules'),
    ['?? backends/zz-four/', '?? backends/zz-one/', '?? backends/zz-three/', '?? backends/zz-two/'],
  );
});

test('the folders compile, pass the linter and the import rules, and are discovered', async () => {
  const run = (command: string, ...args: string[]) => spawnSync(command, args, { cwd: dir, encoding: 'utf8' });
  const types = run(join(BIN, 'tsc'), '--noEmit');
  assert.equal(
    types.stdout
      .split('\n')
      .filter((line) => line.includes('zz-'))
      .join('\n'),
    '',
  );
  const lint = run(
    join(BIN, 'biome'),
    'check',
    '--colors=off',
    'backends/zz-one',
    'backends/zz-two',
    'backends/zz-three',
    'backends/zz-four',
  );
  assert.equal(lint.status, 0, lint.stdout + lint.stderr);
  const imports = run(process.execPath, 'scripts/check-imports.ts');
  assert.doesNotMatch(imports.stdout + imports.stderr, /zz-/);
  const { available, unavailable } = await loadBackends(await discoverBackends({ roots: [join(dir, 'backends')] }));
  assert.deepEqual(unavailable, []);
  const types4 = available.map(({ definition }) => definition.type).filter((type) => type.startsWith('zz-'));
  assert.deepEqual(types4.sort(), ['zz-four', 'zz-one', 'zz-three', 'zz-two']);
});

test('its check is red, and says in which file what is to be written', () => {
  const { status, stdout, stderr } = berth(dir, dir, 'backend', 'check', 'zz-one', '--json');
  assert.equal(status, 1, stderr);
  const report = JSON.parse(stdout) as ConformanceReport;
  assert.equal(report.ok, false);
  assert.ok(report.passed > 0, 'what the scaffold can get right is right');
  const todo = report.results.flatMap(({ failures }) => failures.map(({ came }) => came)).join('\n');
  assert.match(todo, /Not written yet: `account` in src\/api\.ts/);
});

test('a name that is taken, or makes no type, exits 2 and writes nothing', () => {
  for (const name of ['zz one', 'local', '42']) {
    const { status } = berth(dir, dir, 'backend', 'new', name, '--kind', 'vm');
    assert.equal(status, 2, name);
  }
  const changed = execFileSync('git', ['status', '--porcelain'], { cwd: dir, encoding: 'utf8' });
  assert.equal(changed.split('\n').filter((line) => line.includes('backends/')).length, made.length);
});

test('outside of a clone it is a package of its own, which compiles and is checked by its path', () => {
  const outside = join(base, 'outside');
  mkdirSync(outside);
  const { status, stderr } = berth(dir, outside, 'backend', 'new', 'Zz Five', '--kind', 'vm');
  assert.equal(status, 0, stderr);
  const folder = join(outside, 'berth-backend-zz-five');
  // What `npm install` makes of the links in its package.json.
  mkdirSync(join(folder, 'node_modules', '@berth'), { recursive: true });
  for (const room of ['backend', 'catalog', 'core', 'http']) {
    symlinkSync(join(dir, 'packages', room), join(folder, 'node_modules', '@berth', room));
  }
  for (const name of ['zod', '@types', 'undici-types'])
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  const types = spawnSync(join(BIN, 'tsc'), ['--noEmit', '-p', folder], { encoding: 'utf8' });
  assert.equal(
    types.stdout
      .split('\n')
      .filter((line) => line.includes('zz-five'))
      .join('\n'),
    '',
  );
  const check = berth(dir, outside, 'backend', 'check', './berth-backend-zz-five', '--json');
  assert.equal(check.status, 1, check.stderr);
});

test('a folder in BERTH_HOME needs no node_modules: the contract is the running Berth’s', () => {
  const out = join(base, 'home', 'backends', 'zz-six');
  assert.equal(berth(dir, base, 'backend', 'new', 'Zz Six', '--kind', 'vm', '--out', out).status, 0);
  const { stdout, stderr } = berth(dir, base, 'backend', 'check', 'zz-six', '--json');
  assert.doesNotMatch(stderr, /cannot be loaded/);
  assert.ok((JSON.parse(stdout) as ConformanceReport).passed > 0);
});
