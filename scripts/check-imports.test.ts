import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, importsOf } from './check-imports.ts';

const room = { folder: 'packages/core', rooms: ['@berth/core'], packages: ['zod'] };
const breaches = (source: string, file = 'packages/core/src/a.ts') =>
  check('/r', file, source, room, '/r/packages/core').map((b) => b.specifier);

test('every form of import is seen, and none in a comment', () => {
  const source = `import a from 'a';\nimport { b,\n  c } from 'b';\nexport * from 'c';\nimport 'd';\nconst e = await import('e');\n// import x from 'x';\n/* import y from 'y'; */\nimport type { F } from 'f';`;
  assert.deepEqual(importsOf(source).sort(), ['a', 'b', 'c', 'd', 'e', 'f']);
});

test('a room that is not below, a package that is not named, and a path into another room are breaches', () => {
  assert.deepEqual(breaches(`import '@berth/engine/x';`), ['@berth/engine/x']);
  assert.deepEqual(breaches(`import lodash from 'lodash';`), ['lodash']);
  assert.deepEqual(breaches(`import '../../engine/src/x.ts';`), ['../../engine/src/x.ts']);
});

test('what is allowed passes: Node itself, the room below, a named package, files of the room', () => {
  assert.deepEqual(
    breaches(`import 'node:fs'; import '@berth/core/ids'; import { z } from 'zod'; import './b.ts';`),
    [],
  );
});

test('only tests may use test packages', () => {
  assert.deepEqual(breaches(`import fc from 'fast-check';`), ['fast-check']);
  assert.deepEqual(breaches(`import fc from 'fast-check';`, 'packages/core/src/a.test.ts'), []);
});
