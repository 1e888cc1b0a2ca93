import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BIN } from './testing/berth.ts';

/** Far more than the command takes; what hangs is killed then, and has no exit code. */
const PATIENCE_MS = 30_000;

test('regression: a backend whose module keeps a timer does not keep the command', async () => {
  const home = await mkdtemp(join(tmpdir(), 'berth-timer-'));
  try {
    const dir = join(home, 'sticky');
    await mkdir(dir);
    await writeFile(join(dir, 'package.json'), '{ "name": "sticky", "berth": { "backend": "./index.mjs" } }');
    await writeFile(join(dir, 'index.mjs'), 'setInterval(() => {}, 1000);\nexport default 5;\n');
    const { promise, resolve } = Promise.withResolvers<{ readonly code: unknown; readonly stderr: string }>();
    const env = { ...process.env, BERTH_HOME: home };
    execFile(process.execPath, [BIN, 'backend', 'check', dir], { env, timeout: PATIENCE_MS }, (error, _out, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stderr });
    });
    const { code, stderr } = await promise;
    assert.match(stderr, /not a backend definition/);
    assert.equal(code, 2);
  } finally {
    await rm(home, { recursive: true });
  }
});
