import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const main = join(import.meta.dirname, 'main.ts');
const call = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

test('--help lists every benchmark that there is a file for', () => {
  const { status, stdout } = call('--help');
  assert.equal(status, 0);
  const files = readdirSync(import.meta.dirname).filter((file) =>
    /^export const bench: Bench =/m.test(readFileSync(join(import.meta.dirname, file), 'utf8')),
  );
  assert.deepEqual(files, ['apply.ts', 'catalog.ts', 'cli.ts', 'engine.ts', 'idle.ts', 'logs.ts']);
  for (const file of files) assert.match(stdout, new RegExp(`^  ${file.slice(0, -3)} +\\w`, 'm'));
});

test('an unknown name is a mistake of the command line, answered with the nearest one and exit code 2', () => {
  const { status, stdout, stderr } = call('aply', '--json');
  assert.equal(status, 2);
  assert.equal(stdout, '', 'stdout is for results');
  assert.match(stderr, /no benchmark "aply"; did you mean apply\?/);
});

test('so are an unknown option and numbers of runs and rows that are none', () => {
  assert.equal(call('cli', '--jsn').status, 2);
  assert.equal(call('cli', '--runs', '0').status, 2);
  assert.equal(call('cli', '--runs', 'many').status, 2);
  assert.equal(call('catalog', '--rows', 'some').status, 2);
  assert.equal(call('catalog', '--rows', '10').status, 2);
});
