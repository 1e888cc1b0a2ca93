import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import { describeSystemError, isSystemError, reasonOf } from './system-error.ts';

function failure(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return assert.fail('it should have failed');
}

test('an error of the system is told with the path, what was tried and why it cannot be', () => {
  assert.equal(reasonOf(failure(() => openSync('/nowhere/x', 'r'))), '/nowhere/x cannot be opened: it does not exist');
  assert.equal(reasonOf(failure(() => openSync('/', 'w'))), '/ cannot be opened: it is a directory');
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
    errno: -28,
  });
  assert.ok(isSystemError(full));
  assert.equal(describeSystemError(full), 'a file cannot be written: the disk is full');
  const odd = Object.assign(new Error('x'), { code: 'EXDEV', syscall: 'rename', errno: -18, path: 'a' });
  assert.equal(reasonOf(odd), 'a cannot be renamed: cross-device link not permitted');
});

test('what is no error of the system says what it says', () => {
  assert.equal(reasonOf(new Error('ours')), 'ours');
  assert.equal(reasonOf('text'), 'text');
});
