import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DURATION_PATTERN, durationMs, formatDuration, parseDuration } from './durations.ts';
import { BerthError } from './errors.ts';

const hintOf = (text: string): string => {
  try {
    parseDuration(text);
  } catch (error) {
    assert.ok(error instanceof BerthError);
    return error.hint ?? '';
  }
  return assert.fail(`${text} was taken`);
};

test('a bare number is seconds, and each unit counts as it should', () => {
  const seconds = {
    '90': 90,
    '90s': 90,
    '5m': 300,
    '2h': 7200,
    '3d': 259_200,
    '1w': 604_800,
    ' 5 m ': 300,
    0: 0,
  };
  for (const [text, expected] of Object.entries(seconds)) assert.equal(parseDuration(text), expected, text);
  assert.equal(parseDuration(90), 90);
});

test('off, false and -1 switch a limit off', () => {
  for (const value of ['off', false, -1, '-1'] as const) assert.equal(parseDuration(value), 'off');
  assert.equal(durationMs('off'), null);
  assert.equal(durationMs(5), 5000);
});

test('what is printed reads back as the same duration', () => {
  const duration = fc.oneof(
    fc.constant('off' as const),
    fc.nat({ max: 3_000_000_000 }),
    fc.nat({ max: 100 }).map((n) => n * 3600),
  );
  fc.assert(fc.property(duration, (value) => assert.equal(parseDuration(formatDuration(value)), value)));
  assert.equal(formatDuration(7200), '2h');
  assert.equal(formatDuration(90), '90s');
  assert.equal(formatDuration(604_800), '1w');
});

test('the pattern for editors takes what the parser takes', () => {
  const pattern = new RegExp(DURATION_PATTERN);
  fc.assert(
    fc.property(fc.oneof(fc.stringMatching(/^[0-9offsmhdwy -]{0,6}$/), fc.constantFrom('off', '5m')), (text) => {
      let taken = true;
      try {
        parseDuration(text);
      } catch {
        taken = false;
      }
      assert.equal(pattern.test(text), taken, text);
    }),
  );
});

test('several units, unknown units and negative numbers are refused with what to write instead', () => {
  assert.match(hintOf('1h30m'), /write `90m`/);
  for (const text of ['', 'm', '5 years', '-5', '1.5h', '5M', 'never'])
    assert.match(hintOf(text), /number and one of/, text);
});

test('more than a century is a mistake', () => {
  assert.match(hintOf('99999999d'), /off/);
  assert.match(hintOf('9'.repeat(400)), /off/);
});
