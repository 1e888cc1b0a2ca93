import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConformanceReport, RuleResult } from '@berth/core/backend-tool';
import { formatReport, formatResult, formatRules } from './conformance.ts';
import { parseDollars, parseTimeLimit } from './parse-limit.ts';
import { unsealed } from './style.ts';

const result = (parts: Partial<RuleResult>): RuleResult => ({
  id: 'C2.1',
  title: 'the same token again is the same machine',
  why: 'A second one is billed.',
  appliesTo: 'all',
  live: true,
  outcome: 'passed',
  ms: 12,
  reason: null,
  failures: [],
  ...parts,
});

const failed = result({
  outcome: 'failed',
  failures: [
    {
      did: 'create a; create a',
      expected: 'machine m-1 again',
      came: 'm-2',
      hint: 'Hand on the token.',
      requests: ['POST /v1/machines → 200', 'POST /v1/machines → 201'],
    },
  ],
});

const report = (results: readonly RuleResult[], parts: Partial<ConformanceReport> = {}): ConformanceReport => ({
  backend: 'fluffy',
  title: 'FluffyCloud',
  against: 'fake',
  ok: false,
  interrupted: false,
  passed: 0,
  failed: 1,
  skipped: 2,
  ms: 3_210,
  spent: 0,
  results,
  ...parts,
});

const plain = (text: string): string =>
  unsealed(text).replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '');

test('a check is one line; what was skipped waits for the end', () => {
  assert.equal(plain(formatResult(result({})) ?? ''), '✓ C2.1   the same token again is the same machine');
  assert.match(plain(formatResult(failed) ?? ''), /^✗ C2\.1 /);
  assert.equal(formatResult(result({ outcome: 'skipped', reason: 'why not' })), null);
});

test('a failure tells what was done, expected, came, was sent, and what to do', () => {
  const skipped = ['C3.1', 'C3.2'].map((id) => result({ id, outcome: 'skipped', reason: 'the fake is small' }));
  const text = plain(formatReport(report([failed, ...skipped])));
  assert.deepEqual(text.split('\n'), [
    '– C3.1 C3.2 skipped: the fake is small',
    '',
    '✗ C2.1 the same token again is the same machine',
    '  why       A second one is billed.',
    '  done      create a; create a',
    '  expected  machine m-1 again',
    '  came      m-2',
    '  requests  POST /v1/machines → 200',
    '            POST /v1/machines → 201',
    '  hint      Hand on the token.',
    '',
    'FluffyCloud against its fake: 0 passed, 1 failed, 2 skipped in 3.2 s',
  ]);
});

test('many that were skipped for one reason are counted; a real account has its price', () => {
  const skipped = Array.from({ length: 20 }, (_, n) =>
    result({ id: `C3.${n}`, outcome: 'skipped', reason: 'no fake' }),
  );
  const text = plain(formatReport(report(skipped, { against: 'account', spent: 0.5 })));
  assert.match(text, /– 20 checks skipped: no fake/);
  assert.match(text, /against a real account: .* in 3\.2 s, at most \$0\.50$/);
});

test('the rules are a table', () => {
  assert.match(plain(formatRules([result({})])), /^RULE +FOR +LIVE +WHAT\nC2\.1 +all +yes +the same token/);
});

test('limits are dollars and durations, and nothing else', () => {
  assert.deepEqual([parseDollars('0.50'), parseDollars('$2')], [0.5, 2]);
  assert.deepEqual(
    [parseTimeLimit('90s'), parseTimeLimit('30m'), parseTimeLimit('2h')],
    [90_000, 1_800_000, 7_200_000],
  );
  for (const wrong of ['', '-1', '0', 'free', '1e9', 'Infinity']) assert.throws(() => parseDollars(wrong), /no amount/);
  for (const wrong of ['', '30', '0m', '-1m', '1d', 'm']) assert.throws(() => parseTimeLimit(wrong), /no duration/);
});
