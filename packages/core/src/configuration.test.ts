// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${{ … }}` is the language under test
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkConfiguration } from './configuration.ts';
import { BerthError } from './errors.ts';
import { formatIssues } from './format-issues.ts';
import { parseConfiguration } from './parse-configuration.ts';

test('checking the source of a checked configuration gives the same, so that server and client agree', () => {
  const text = `
type: task
name: a
image: x
env: [TOKEN, "KEY=\${{ secrets.key }}", "RAW=$\${{ x"]
registry_auth: {username: "\${{ env.TOKEN }}", password: "\${{ secrets.p }}"}
commands:
  - run \${{ run.args }}
  - echo $\${{ secrets.key }}
resources: {gpu: "a100-80gb:2", memory: 16.., disk: {size: 1TB}}
retry: true
max_duration: 90m
ports: ["*:80"]
tags: {v: 1.10}
`;
  const first = parseConfiguration(text, {
    file: 'a.yml',
    environment: { TOKEN: '${{ secrets.stolen }}' },
    args: ['${{ secrets.stolen }}', '$'],
  });
  // Over the wire: only what JSON can say, and no environment on the other side.
  const second = checkConfiguration(JSON.parse(JSON.stringify(first.source)));
  assert.deepEqual(second, JSON.parse(JSON.stringify(first)));
  assert.deepEqual(second.source, JSON.parse(JSON.stringify(first.source)));
});

test('a configuration whose arguments or variables were never filled in is refused', () => {
  const task = { type: 'task', commands: ['a ${{ run.args }}'] };
  assert.throws(
    () => checkConfiguration(task),
    (error) => error instanceof BerthError && /`run.args` has no value/.test(error.issues[0]?.message ?? ''),
  );
  assert.throws(() => checkConfiguration({ type: 'task', commands: ['a'], env: ['HOME'] }), {
    code: 'invalid-configuration',
  });
});

test('issues of plain data have a path and no place', () => {
  try {
    checkConfiguration({ type: 'task', commands: ['a'], resources: { gpu: { count: 'x' } } });
    assert.fail('it was taken');
  } catch (error) {
    assert.ok(error instanceof BerthError);
    assert.deepEqual(
      error.issues.map(({ path, line }) => ({ path, line })),
      [{ path: 'resources.gpu.count', line: undefined }],
    );
  }
});

test('any data gives a configuration or an error of ours, and no object is changed', () => {
  const key = fc.oneof(
    fc.constantFrom(
      'type',
      'name',
      'commands',
      'env',
      'resources',
      'gpu',
      'cpu',
      'memory',
      'count',
      'min',
      'max',
      'nodes',
      'retry',
      'ports',
      'volumes',
      'tags',
      'repos',
      '__proto__',
      'constructor',
    ),
    fc.string({ maxLength: 3 }),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      fc.oneof(
        fc.jsonValue({ maxDepth: 0 }),
        fc.constantFrom('task', '1..2', 'A100', '${{ secrets.A }}', '${{', 1, 8.5),
      ),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc
        .array(fc.tuple(key, tie('tree')), { maxLength: 4 })
        .map((entries) =>
          JSON.parse(`{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`),
        ),
    ),
  }));
  fc.assert(
    fc.property(fc.constantFrom('task', 'fleet', 'x'), tree, (type, value) => {
      try {
        checkConfiguration(
          value !== null && typeof value === 'object' ? { commands: ['a'], nodes: 1, ...value, type } : value,
        );
      } catch (error) {
        assert.ok(error instanceof BerthError && error.issues.length > 0, String(error));
      }
      assert.deepEqual(Object.keys(Object.prototype), []);
    }),
    { numRuns: 1000 },
  );
});

test('deep data is refused without overflowing the stack', () => {
  let deep: unknown = 'x';
  for (let i = 0; i < 100_000; i++) deep = [deep];
  assert.throws(() => checkConfiguration({ type: 'task', commands: ['a'], env: deep }), BerthError);
});

test('regression: very many mistakes are told as the first of them and their number', () => {
  const told = (source: Record<string, unknown>): BerthError => {
    try {
      checkConfiguration({ type: 'task', commands: ['true'], ...source });
    } catch (error) {
      assert.ok(error instanceof BerthError);
      return error;
    }
    assert.fail('it was taken');
  };
  const count = 200_000;
  const unknown = told(Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 1])));
  assert.equal(unknown.issues.length, 100);
  assert.match(unknown.message, /\(the first 100 of 200000 mistakes are listed\)$/);
  assert.match(formatIssues(unknown, { file: 'a.yml' }), /\nand 199980 more$/);
  const variables = told({ env: Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`V${at}`, null])) });
  assert.equal(variables.issues.length, 100);

  for (const field of ['commands', 'env', 'files', 'artifacts', 'fleets', 'ports', 'volumes', 'backends']) {
    const { issues } = told({ [field]: Array.from({ length: count }, () => 1) });
    assert.deepEqual(
      issues.map(({ path }) => path),
      [field],
    );
    assert.match(issues[0]?.message ?? '', /can have at most \d+ entries/);
  }
});
