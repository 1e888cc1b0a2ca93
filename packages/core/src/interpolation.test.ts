// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${{ … }}` is the language under test
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BerthError } from './errors.ts';
import {
  escapeTemplate,
  findReferences,
  hasReference,
  type Reference,
  resolvePartly,
  resolveTemplate,
} from './interpolation.ts';

/** Text that is likely to run into the grammar. */
const awkward = fc
  .array(fc.constantFrom('$', '{', '}', '${{', '}}', '$${{', ' ', 'a', 'secrets.A', 'env.B', 'run.args'), {
    maxLength: 12,
  })
  .map((parts) => parts.join(''));
const template = fc
  .array(
    fc.oneof(awkward.map(escapeTemplate), fc.constantFrom('-${{ secrets.A }}', '-${{env.B}}', '-${{  run.args  }}')),
  )
  .map((parts) => parts.join(' '));
const none = (): null => null;

test('references are found in order, with any spaces', () => {
  assert.deepEqual(findReferences('a ${{ env.USER }}:${{secrets.my-token}} ${{  run.args }}'), [
    { namespace: 'env', name: 'USER' },
    { namespace: 'secrets', name: 'my-token' },
    { namespace: 'run', name: 'args' },
  ]);
  assert.deepEqual(findReferences('no $ reference {{ here }} $${{ env.X }}'), []);
});

test('what is escaped resolves to itself', () => {
  fc.assert(
    fc.property(fc.oneof(awkward, fc.string()), (text) =>
      assert.equal(resolveTemplate(escapeTemplate(text), none), text),
    ),
  );
});

test('what is escaped holds no reference, and only unescaped text does', () => {
  fc.assert(fc.property(awkward, (text) => assert.equal(hasReference(escapeTemplate(text)), false)));
  assert.equal(hasReference('x ${{ y'), true);
  assert.equal(hasReference('x $${{ y'), false);
});

test('resolving in two steps gives the same text as in one, whatever the values hold', () => {
  fc.assert(
    fc.property(template, awkward, awkward, awkward, (text, secret, env, args) => {
      const values: Record<string, string> = { secrets: secret, env: `${env}.`, run: `${args}.` };
      const all = (r: Reference): string => values[r.namespace] ?? '';
      const client = resolvePartly(text, (r) => (r.namespace === 'secrets' ? null : escapeTemplate(all(r))));
      assert.equal(resolveTemplate(client, all), resolveTemplate(text, all));
    }),
  );
});

test('a value cannot smuggle a reference in, not even in two halves', () => {
  const client = resolvePartly('${{ env.A }}{{ secrets.B }}', () => '$');
  assert.equal(
    resolveTemplate(client, () => 'leaked'),
    '${{ secrets.B }}',
  );
});

test('a dollar sign directly before a reference that stays is refused, not misread', () => {
  assert.throws(
    () => resolvePartly('${{ env.A }}${{ secrets.B }}', (r) => (r.namespace === 'env' ? '$' : null)),
    (error) => error instanceof BerthError && error.code === 'not-supported',
  );
});

test('a reference without a value is an error', () => {
  assert.throws(() => resolveTemplate('${{ secrets.A }}', none), /`secrets.A` has no value/);
});

test('a reference that is not closed or not known says what could be meant', () => {
  const hint = (text: string): string | undefined => {
    try {
      findReferences(text);
    } catch (error) {
      assert.ok(error instanceof BerthError && error.code === 'invalid-configuration', String(error));
      return error.hint;
    }
    return assert.fail(`${text} was taken`);
  };
  assert.match(hint('${{ env.A') ?? '', /close it/);
  assert.match(hint('${{ secret.A }}') ?? '', /`secrets.NAME`/);
  assert.match(hint('${{ run.arg }}') ?? '', /`run.args`/);
  assert.match(hint('${{ matrix.os }}') ?? '', /characters themselves/);
  assert.match(hint('${{ env.1A }}') ?? '', /env.NAME/);
  assert.match(hint('${{}}') ?? '', /env.NAME/);
});

test('references whose feature comes later are refused by name', () => {
  for (const text of ['${{ dstack.node_rank }}', '${{ groups[0].nodes[1].IP_ADDRESS }}', '${{ run.project_name }}']) {
    assert.throws(
      () => findReferences(text),
      (error) => error instanceof BerthError && error.code === 'not-supported' && error.message.includes(text),
    );
  }
});

test('names of object members are not namespaces', () => {
  assert.throws(() => findReferences('${{ constructor.name }}'), /not known/);
  assert.throws(() => findReferences('${{ __proto__.x }}'), /not known/);
});
