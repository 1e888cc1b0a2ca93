import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMount, mountSchema, parseMount } from './mount-point.ts';

test('a folder of the machine is mounted at a path', () => {
  const mount = parseMount('/mnt/data:/data');
  assert.deepEqual(mount, { instancePath: '/mnt/data', path: '/data', optional: false });
  assert.deepEqual(parseMount(formatMount(mount)), mount);
});

test('the map form can be optional', () => {
  assert.deepEqual(mountSchema.parse({ instance_path: '/a', path: '/b', optional: 'yes' }), {
    instancePath: '/a',
    path: '/b',
    optional: true,
  });
  assert.equal(mountSchema.safeParse({ path: '/b' }).success, false);
  assert.equal(mountSchema.safeParse({ instance_path: 'a', path: '/b' }).success, false);
});

test('network volumes come later', () => {
  assert.throws(() => parseMount('data:/data'), { code: 'not-supported' });
  assert.equal(mountSchema.safeParse({ name: 'data', path: '/data' }).success, false);
});

test('what is no mount is refused', () => {
  for (const text of ['', '/a', '/a:b', '/a:/b:ro', ':', ':/b/c:']) {
    assert.throws(() => parseMount(text), { code: 'invalid-configuration' }, text);
  }
});
