/** README's first command, as far as it goes on a machine where everything is installed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Home } from './home.ts';

const EXAMPLE = join(import.meta.dirname, '..', 'examples', 'quickstart');

test('quickstart trains, streams, exits as its job does and brings the model back', async () => {
  await using home = new Home();
  // A copy: the checkout stays as it is.
  cpSync(EXAMPLE, home.work, { recursive: true, filter: (path) => !/\/(out|artifacts)$/.test(path) });
  const { code, stdout, seen } = await home.berth(['apply', '-y', '-f', 'task.berth.yml']);
  assert.equal(code, 0, seen);
  const losses = [...stdout.toString().matchAll(/^\s*[\d,]+\s+(?:[\d.]+\s+)?([\d.]+)\s+█/gm)].map((m) => Number(m[1]));
  assert.ok(losses.length >= 5, seen);
  assert.ok((losses.at(-1) ?? 9) < (losses[0] ?? 0) / 2, `the loss falls: ${losses.join(' ')}`);
  const folder = join(home.work, 'artifacts', 'quickstart');
  const model = [join(folder, 'out', 'model.json'), join(folder, 'model.json')].find((path) => existsSync(path));
  assert.ok(model !== undefined, 'the model is here');
  assert.ok(JSON.parse(readFileSync(model, 'utf8')));
});

test('the script says what fails, and passes the exit code on', async () => {
  await using home = new Home();
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'scripts', 'quickstart.ts'), '--nonsense'], {
    env: { ...process.env, BERTH_HOME: home.dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const code = await new Promise((resolve) => child.on('exit', resolve));
  assert.equal(code, 2);
  assert.match(said, /--nonsense/);
});
