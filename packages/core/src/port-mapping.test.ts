import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatPort, parsePort } from './port-mapping.ts';

test('the local port is the same, another or any', () => {
  assert.deepEqual(parsePort('8080'), { container: 8080, local: 8080 });
  assert.deepEqual(parsePort('80:8080'), { container: 8080, local: 80 });
  assert.deepEqual(parsePort('*:8080'), { container: 8080, local: null });
});

test('what is printed reads back as the same', () => {
  const port = fc.integer({ min: 1, max: 65_535 });
  fc.assert(
    fc.property(port, fc.option(port), (container, local) => {
      assert.deepEqual(parsePort(formatPort({ container, local })), { container, local });
    }),
  );
});

test('what is no port is refused', () => {
  for (const text of ['', '0', '65536', '0:80', '80:0', '80:', ':80', 'http', '1:2:3', '-1', '*']) {
    assert.throws(() => parsePort(text), { code: 'invalid-configuration' }, text);
  }
});
