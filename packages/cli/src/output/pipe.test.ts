import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { BIN } from '../testing/berth.ts';

test('a disk that is full is said in one line, and the exit code tells of it', {
  skip: process.platform !== 'linux' && 'needs /dev/full',
}, async () => {
  const shell = `exec '${process.execPath}' '${BIN}' schema > /dev/full`;
  const [code, stderr] = await new Promise<[unknown, string]>((resolve) => {
    execFile('sh', ['-c', shell], (error, _stdout, said) => resolve([error?.code ?? 0, said]));
  });
  assert.equal(stderr, 'error: the output cannot be written: no space left on device\n');
  assert.equal(code, 1);
});
