import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BIN } from './testing/berth.ts';

/** Far more than a command takes; what hangs is killed then, and has no exit code. */
const PATIENCE_MS = 20_000;

async function ps(home: string): Promise<{ readonly code: unknown; readonly stderr: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, BERTH_HOME: home };
    execFile(process.execPath, [BIN, 'ps'], { env, timeout: PATIENCE_MS }, (error, _stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stderr });
    });
  });
}

test('a home that cannot be made is an error and does not keep a processor busy for ever', {
  skip: process.platform === 'linux' ? false : 'there is no /proc here',
}, async () => {
  const { code, stderr } = await ps('/proc/nope');
  assert.equal(code, 1);
  assert.match(stderr, /\/proc\/nope.*cannot be made/);
  assert.match(stderr, /BERTH_HOME/);
});

test('a pipe in the place of config.yml is an error and is not waited for', async () => {
  const home = await mkdtemp(join(tmpdir(), 'berth-pipe-'));
  try {
    execFileSync('mkfifo', [join(home, 'config.yml')]);
    const { code, stderr } = await ps(home);
    assert.equal(code, 2);
    assert.match(stderr, /config\.yml is a named pipe, not a file/);
  } finally {
    await rm(home, { recursive: true });
  }
});
