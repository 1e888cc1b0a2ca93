import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeConfigured } from './configured.ts';

test('bug: the plan showed JSON: values are told as a person would say them', () => {
  for (const [value, words] of [
    ['8..', '8..'],
    [4, '4'],
    [true, 'yes'],
    [{ min: 1 }, '1..'],
    [{ min: null, max: '16GB' }, '..16GB'],
    [{ min: 2, max: 2 }, '2'],
    [{ on_events: ['error', 'no-capacity'], duration: '1h' }, 'on_events error and no-capacity, duration 1h'],
    [
      { cpu: { min: 1 }, memory: '1GB..', gpu: { name: ['A100', 'H100'], count: { min: 2, max: 4 } } },
      'cpu 1.., memory 1GB.., gpu (name A100 and H100, count 2..4)',
    ],
    [[{ a: 1, b: 2 }, 'x'], '(a 1, b 2) and x'],
    [{}, ''],
  ] as const) {
    assert.equal(describeConfigured(value), words);
  }
});
