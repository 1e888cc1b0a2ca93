import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileSchema, parseFileMapping } from './file-mapping.ts';

test('a file goes to the same path, or to the one after the colon', () => {
  assert.deepEqual(parseFileMapping('train.py'), { localPath: 'train.py', path: 'train.py' });
  assert.deepEqual(parseFileMapping('~/.config/app'), { localPath: '~/.config/app', path: '~/.config/app' });
  assert.deepEqual(parseFileMapping('../data.bin:/data/x.bin'), { localPath: '../data.bin', path: '/data/x.bin' });
  assert.deepEqual(fileSchema.parse({ local_path: 'a', path: 'b' }), { localPath: 'a', path: 'b' });
});

test('a file outside the folder must say where it goes', () => {
  assert.throws(() => parseFileMapping('../data.bin'), { hint: 'say where it goes: `../data.bin:/path/in/the/job`' });
});

test('an empty path is refused', () => {
  for (const text of ['', ':', 'a:', ':b'])
    assert.throws(() => parseFileMapping(text), { code: 'invalid-configuration' }, text);
});
