import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { BerthError, type ConfigIssue } from './errors.ts';
import { positionAt } from './text-position.ts';
import { parseYaml, type YamlMap } from './yaml.ts';

const read = (text: string): YamlMap => parseYaml(text, { file: 'a.yml' }).root;

/** What is wrong with the text; fails when nothing is. */
function issuesOf(text: string): readonly ConfigIssue[] {
  try {
    read(text);
  } catch (error) {
    assert.ok(error instanceof BerthError && error.code === 'invalid-configuration', String(error));
    return error.issues;
  }
  return assert.fail('the text was taken');
}

const places = (issues: readonly ConfigIssue[]): string[] => issues.map((issue) => `${issue.line}:${issue.column}`);

/** Hostile texts are answered within this; the slowest takes a tenth of it on a slow machine. */
const PATIENCE_MS = 30_000;
const hostile = (name: string, claim: () => void): void => {
  test(name, () => {
    const started = performance.now();
    claim();
    assert.ok(performance.now() - started < PATIENCE_MS);
  });
};

test('values are those of YAML 1.2: yes, off and dates are text', () => {
  const text = 'a: yes\nb: off\nc: 2001-01-01\nd: 0o17\ne: 1e3\nf: ~\ng:\nh: "1"\ni: 12:30\n8080: x\n';
  const expected = {
    a: 'yes',
    b: 'off',
    c: '2001-01-01',
    d: 15,
    e: 1000,
    f: null,
    g: null,
    h: '1',
    i: '12:30',
    8080: 'x',
  };
  assert.deepEqual(read(text), expected);
  assert.deepEqual(read('%YAML 1.1\n---\na: yes\n'), { a: 'yes' });
});

test('what a YAML writer writes reads back as the same values', () => {
  const word = fc.stringMatching(/^[a-z$:#{}%*&!| -]{1,12}$/);
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), word),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(word, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(word, tree, { minKeys: 1, maxKeys: 5, noNullPrototype: true }), (root) => {
      assert.deepEqual(read(stringify(root, { aliasDuplicateObjects: false })), root);
    }),
  );
});

test('a byte order mark and Windows line ends are no part of the values', () => {
  assert.deepEqual(read('\uFEFFa: 1\r\nb: |\r\n  x\r\n'), { a: 1, b: 'x\n' });
});

test('keys and values know their line and column', () => {
  const document = parseYaml('a: 1\nlist:\n  - x\n  - {k: v}\nempty:\n', { file: 'a.yml' });
  assert.deepEqual(document.position(['a'], 'key'), { line: 1, column: 1 });
  assert.deepEqual(document.position(['a']), { line: 1, column: 4 });
  assert.deepEqual(document.position(['list', 1, 'k'], 'key'), { line: 4, column: 6 });
  assert.deepEqual(document.position(['list', 1, 'k']), { line: 4, column: 9 });
  assert.deepEqual(document.position(['empty']), { line: 5, column: 7 });
  assert.deepEqual(document.position(['list', 1, 'missing']), { line: 4, column: 5 }, 'the nearest that there is');
  assert.deepEqual(positionAt('ab\ncd', 4), { line: 2, column: 2 });
});

test('the letters of an unquoted value are kept', () => {
  const document = parseYaml('a: 1.10\nb: "1.10"\nc: &x 007\nd: *x\ne: [1.10]\n', { file: 'a.yml' });
  assert.equal(document.plainText(['a']), '1.10');
  assert.equal(document.plainText(['b']), null);
  assert.equal(document.plainText(['d']), '007');
  assert.equal(document.plainText(['e']), null);
  assert.equal(document.plainText(['nothing']), null);
});

test('aliases and merge keys are expanded; own keys win, then earlier maps', () => {
  const text = 'base: &b {x: 1, y: 1}\nmore: &m {y: 2, z: 2}\na: {<<: *b, x: 3}\nc:\n  <<: [*b, *m]\nd: *b\n';
  const root = read(text);
  assert.deepEqual(root.a, { x: 3, y: 1 });
  assert.deepEqual(root.c, { x: 1, y: 1, z: 2 });
  assert.deepEqual(root.d, { x: 1, y: 1 });
  assert.deepEqual(places(issuesOf('a:\n  <<: 5\n')), ['2:3']);
});

test('every syntax error is told, each with line and column', () => {
  const issues = issuesOf('a: [1, 2\nb: }\n');
  assert.deepEqual(places(issues), ['2:1', '2:4']);
  assert.match(issuesOf('a:\n\tb: 1')[0]?.hint ?? '', /spaces/);
  assert.match(issuesOf('a: b: c')[0]?.hint ?? '', /quotes/);
});

test('a key that is given twice is an error at the second place', () => {
  const issues = issuesOf('a: 1\nb: {c: 1, c: 2}\na: 3\n');
  assert.deepEqual(places(issues), ['2:11', '3:1']);
  assert.match(issues[0]?.message ?? '', /`c` is given twice/);
});

test('an unquoted star says that it needs quotes', () => {
  const [issue] = issuesOf('ports:\n  - *:8080\n');
  assert.deepEqual([issue?.line, issue?.column], [2, 5]);
  assert.match(issue?.hint ?? '', /quotes/);
});

test('tags, complex keys and numbers that are none are refused', () => {
  for (const text of ['a: !!binary aGk=', 'a: !x 1', 'a: !!set {x: }', '? [a, b]\n: c', 'a: .inf', ': a']) {
    assert.equal(issuesOf(text)[0]?.line, 1, text);
  }
});

test('the root must be one map', () => {
  assert.match(issuesOf('')[0]?.message ?? '', /empty/);
  assert.match(issuesOf('# only a comment\n')[0]?.message ?? '', /empty/);
  assert.match(issuesOf('- a\n')[0]?.message ?? '', /a list/);
  assert.match(issuesOf('hello')[0]?.message ?? '', /single value/);
  assert.match(issuesOf('a: 1\n---\nb: 2\n')[0]?.message ?? '', /more than one YAML document/);
  assert.deepEqual(places(issuesOf('a: 1\n---\nb: 2\n')), ['2:1']);
});

test('a key that would reach into every object is refused, and no object is changed', () => {
  assert.deepEqual(places(issuesOf('a: 1\n__proto__: {polluted: yes}\n')), ['2:1']);
  assert.deepEqual(places(issuesOf('b: &x {"__proto__": {polluted: yes}}\na: {<<: *x}\n'))[0], '1:8');
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
  const root = read('constructor: {prototype: 1}\n');
  assert.deepEqual(Object.keys(root), ['constructor']);
});

hostile('a text over the limit is refused before it is parsed, with its name and the limit', () => {
  const text = `a: "${'x'.repeat(10 * 1024 * 1024)}"`;
  assert.throws(
    () => parseYaml(text, { file: 'big.yml' }),
    (error) =>
      error instanceof BerthError &&
      error.code === 'too-large' &&
      error.message === `big.yml has ${text.length} bytes; a configuration may have 1048576`,
  );
  // Bytes, not characters: each of these takes three.
  assert.throws(() => parseYaml(`a: ${'€'.repeat(400_000)}`, { file: 'a.yml' }), { code: 'too-large' });
});

hostile('aliases that explode are refused without being expanded', () => {
  const levels = Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`);
  const [issue] = issuesOf(`a0: &a0 [x]\n${levels.join('\n')}\n`);
  assert.match(issue?.message ?? '', /more than 100000 values once aliases are expanded/);
  assert.ok((issue?.line ?? 0) > 0 && (issue?.column ?? 0) > 0);
});

hostile('an alias to what contains it is refused', () => {
  assert.match(issuesOf('a: &a [*a]')[0]?.message ?? '', /back into itself/);
  assert.match(issuesOf('a: &a {b: {<<: *a}}')[0]?.message ?? '', /back into itself/);
});

hostile('nesting of 10,000 levels is refused where it becomes too deep, in every notation', () => {
  const depth = 10_000;
  const texts = [
    `a: ${'['.repeat(depth)}`,
    `a: ${'['.repeat(depth)}${']'.repeat(depth)}`,
    `a:\n  ${'- '.repeat(depth)}x`,
    `${'? '.repeat(depth)}x`,
    `a: ${'{a: '.repeat(depth)}`,
  ];
  for (const text of texts)
    assert.match(issuesOf(text)[0]?.message ?? '', /nested more than 100 deep/, text.slice(0, 20));
  const blocks = Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}a:`).join('\n');
  assert.deepEqual(issuesOf(blocks)[0]?.column, 101);
});

hostile('deep nesting by aliases is refused too', () => {
  const levels = Array.from({ length: 3000 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}]`);
  assert.ok(issuesOf(`a0: &a0 [x]\n${levels.join('\n')}\n`).length > 0);
});

hostile('a text of nothing but errors is answered, with a bounded list', () => {
  for (const text of [
    `a: [${',,'.repeat(250_000)}]`,
    '"'.repeat(500_000),
    '}'.repeat(500_000),
    '---\n'.repeat(90_000),
  ]) {
    const count = issuesOf(text).length;
    assert.ok(count > 0 && count <= 50);
  }
});

hostile('many keys are compared in time that grows with their number', () => {
  const text = Array.from({ length: 25_000 }, (_, i) => `k${i}: v`).join('\n');
  assert.equal(Object.keys(read(text)).length, 25_000);
});

test('any text gives a map or an error of ours', () => {
  const piece = fc.constantFrom(
    'a',
    ':',
    ' ',
    '\n',
    '- ',
    '? ',
    '[',
    ']',
    '{',
    '}',
    ',',
    '&a ',
    '*a',
    '|',
    '>',
    '"',
    "'",
    '#',
    '<<: ',
    '!x',
    '\t',
    '---\n',
    '%',
    '\u0000',
    '  ',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      try {
        const root = read(pieces.join(''));
        assert.equal(typeof root, 'object');
      } catch (error) {
        assert.ok(error instanceof BerthError && error.issues.length > 0, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
