import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { test } from 'node:test';
import type { BlobHash } from '@berth/core/ids';
import { receiveArtifacts } from './receive.ts';

test('artifacts are there whole and as announced, or not at all', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-artifacts-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'run1', 'job1.tar.gz');
  const bytes = randomBytes(700_000);
  const hash = createHash('sha256').update(bytes).digest('hex') as BlobHash;
  /** As the link does it: pieces, an end, and not done before the target is. */
  const send =
    (content: Uint8Array, breakOff = false) =>
    async (target: Writable) => {
      const done = finished(target);
      done.catch(() => undefined);
      for (let at = 0; at < content.length; at += 100_000) target.write(content.subarray(at, at + 100_000));
      if (breakOff) {
        target.destroy();
        throw new Error('the link broke');
      }
      target.end();
      await done;
    };
  await assert.rejects(receiveArtifacts(path, hash, randomBytes, send(bytes.subarray(1))), /was announced/);
  await assert.rejects(receiveArtifacts(path, hash, randomBytes, send(bytes, true)), /the link broke/);
  assert.deepEqual(readdirSync(dirname(path)), []);
  await receiveArtifacts(path, hash, randomBytes, send(bytes));
  assert.deepEqual(readFileSync(path), bytes);
  assert.deepEqual(readdirSync(dirname(path)), ['job1.tar.gz']);
  await receiveArtifacts(join(dir, 'run2', 'x'), null, randomBytes, send(bytes));
  assert.ok(existsSync(join(dir, 'run2', 'x')));
});
