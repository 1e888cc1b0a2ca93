import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  atLeast,
  atMost,
  excess,
  exitCode,
  inTurn,
  type Machine,
  median,
  ratio,
  report,
  spread,
  table,
} from './harness.ts';

const machine: Machine = { cpu: 'Abacus', cores: 2, memoryMiB: 1024, os: 'linux', node: 'v24', load: 0.5 };

test('the median is the middle, or half way between the two in the middle, in whatever order samples came', () => {
  assert.equal(median([9, 1, 2]), 2);
  assert.equal(median([100, 1, 3, 2]), 2.5);
  assert.equal(median([10, 9, 100]), 10, 'numbers are not ordered as text');
  assert.equal(median([7]), 7);
  assert.throws(() => median([]), RangeError);
  assert.deepEqual(spread([3, 1, 2]), { median: 2, min: 1, max: 3, runs: 3 });
});

test('one sample out of the way does not move the verdict', () => {
  const quiet = Array.from({ length: 20 }, () => 50);
  assert.equal(ratio('m', 'b', [...quiet, 5000], quiet, 2).value, 1);
});

test('a ratio and an excess compare medians, and say by what', () => {
  const slow = ratio('start', 'node -e 0', [80, 90, 100], [40, 45, 50], 2);
  assert.deepEqual([slow.value, slow.baseline, slow.ok], [2, 45, true]);
  assert.equal(ratio('start', 'node -e 0', [91], [45], 2).ok, false);
  const late = excess('apply', 'the command itself', [260], [5], 250);
  assert.deepEqual([late.value, late.baseline, late.ok], [255, 5, false]);
  assert.equal(excess('apply', 'the command itself', [255], [5], 250).ok, true);
});

test('a limit is kept by the value that reaches it exactly, on either side', () => {
  const value = { metric: 'm', unit: 'MB/s', value: 50 };
  assert.deepEqual([atLeast(50, value).ok, atLeast(50.1, value).ok], [true, false]);
  assert.deepEqual([atMost(50, value).ok, atMost(49.9, value).ok], [true, false]);
  assert.equal(atMost(50, { ...value, value: Number.NaN }).ok, false, 'what could not be computed is no success');
  assert.equal(atLeast(50, { ...value, value: Number.NaN }).ok, false);
});

test('subjects are sampled in turn, in changing order, and the warm-up does not count', async () => {
  const order: string[] = [];
  let count = 0;
  const subject = (name: string) => async () => {
    order.push(name);
    return count++;
  };
  const samples = await inTurn({ a: subject('a'), b: subject('b') }, { runs: 2, warmUp: 1 });
  assert.equal(order.join(''), 'baabba');
  assert.deepEqual(samples, { a: [2, 5], b: [3, 4] });
});

test('one missed limit makes the report, and the exit code, a failure', () => {
  const kept = atMost(2, { metric: 'kept', unit: 'x', value: 1 });
  const missed = atMost(2, { metric: 'missed', unit: 'x', value: 3 });
  const good = report('b', machine, [kept], []);
  const bad = report('b', machine, [kept, missed], []);
  assert.deepEqual([good.ok, bad.ok], [true, false]);
  assert.deepEqual([exitCode([good]), exitCode([good, bad])], [0, 1]);
  assert.equal(report('b', machine, [], []).ok, false, 'nothing measured');
  assert.equal(report('b', machine, [], ['no engine']).ok, true);
});

test('the table names what was missed, its limit and its noise, and what was skipped', () => {
  const text = table(
    report('cli', machine, [ratio('berth ps', 'node -e 0', [200, 220, 900], [50], 4)], ['Docker: no engine answers']),
  );
  assert.match(text, /MISSED +berth ps +4\.40 × node -e 0 +≤ 4 +50 ms +200 \/ 220 \/ 900 ms \(3\)/);
  assert.match(text, /skipped: Docker: no engine answers/);
  assert.match(text, /a limit is missed$/);
});
