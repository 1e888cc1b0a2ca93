// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${{ … }}` is the language under test
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { envSchema, parseEnvEntry, resolveEnv } from './env-spec.ts';
import { resolveTemplate } from './interpolation.ts';

test('a list and a map say the same', () => {
  const expected = [
    { name: 'A', value: '1=2' },
    { name: 'B', value: '' },
  ];
  assert.deepEqual(envSchema.parse(['A=1=2', 'B=']), expected);
  assert.deepEqual(envSchema.parse({ A: '1=2', B: '' }), expected);
  assert.deepEqual(parseEnvEntry('HF_TOKEN'), { name: 'HF_TOKEN', value: null });
});

test('a name without a value is taken from the caller, and what is missing is told by position', () => {
  const entries = envSchema.parse(['A=1', 'HOME', 'NOPE', 'toString']);
  const resolved = resolveEnv(entries, { HOME: '/root', A: 'not this' });
  assert.deepEqual(resolved, { env: { A: '1', HOME: '/root' }, missing: [2, 3] });
});

test("the caller's value is data, whatever it holds", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.constant('${{ secrets.A }}'), fc.constant('$${{')), (value) => {
      const { env } = resolveEnv([{ name: 'A', value: null }], { A: value });
      assert.equal(
        resolveTemplate(env.A ?? '', () => 'leaked'),
        value,
      );
    }),
  );
});

test('names that no shell takes, zero bytes and doubles are refused', () => {
  for (const value of [
    ['1A=x'],
    ['A-B=x'],
    ['=x'],
    [''],
    ['A=1', 'A=2'],
    ['A=\0'],
    { '': 'x' },
    { 'A B': 'x' },
    ['__proto__=x'],
    [5],
    { A: null },
  ]) {
    assert.equal(envSchema.safeParse(value).success, false, JSON.stringify(value));
  }
});
