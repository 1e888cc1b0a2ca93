import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from '@berth/backend';
import { type EffectOptions, Effects } from './effects.ts';
import { SimClock, settle } from './testing/sim-clock.ts';

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function setUp(): { clock: SimClock; effects: Effects; wakes: (number | null)[]; options: EffectOptions } {
  const clock = new SimClock(0);
  const wakes: (number | null)[] = [];
  const options = {
    deadlineMs: 1_000,
    backoff: { firstMs: 100, factor: 2, maxMs: 400 },
    wake: (at?: number) => void wakes.push(at ?? null),
  };
  return { clock, effects: new Effects(clock, SILENT), wakes, options };
}

const fail = async (): Promise<void> => {
  throw new Error('no');
};

function until(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

test('one of a kind at a time for each thing; who asks meanwhile is woken at the end', async () => {
  const { effects, wakes, options } = setUp();
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const perform = async (): Promise<void> => {
    begun += 1;
    await gate.promise;
  };
  effects.begin('job:1', 'stop', options, perform);
  effects.begin('job:1', 'stop', options, perform);
  effects.begin('job:1', 'drain', options, perform);
  effects.begin('job:2', 'stop', options, perform);
  assert.equal(begun, 3);
  assert.deepEqual(wakes, []);
  gate.resolve();
  await settle();
  assert.deepEqual(wakes, [null]);
  assert.ok(effects.idle);
});

test('after a failure it is not begun before its back-off is over, which doubles', async () => {
  const { clock, effects, wakes, options } = setUp();
  effects.begin('a', 'x', options, fail);
  await settle();
  assert.deepEqual(wakes, [100]);
  let begun = false;
  effects.begin('a', 'x', options, async () => {
    begun = true;
  });
  assert.equal(begun, false);
  assert.deepEqual(wakes, [100, 100]);
  await clock.advance(100);
  effects.begin('a', 'x', options, fail);
  await settle();
  assert.equal(wakes.at(-1), 100 + 200);
});

test('a success ends the series', async () => {
  const { clock, effects, wakes, options } = setUp();
  effects.begin('a', 'x', options, fail);
  await clock.advance(100);
  effects.begin('a', 'x', options, async () => {});
  await settle();
  effects.begin('a', 'x', options, fail);
  await settle();
  assert.equal(wakes.at(-1), 100 + 100);
});

test('a clock that is set back does not prolong a back-off', async () => {
  const { clock, effects, options } = setUp();
  effects.begin('a', 'x', options, fail);
  await settle();
  clock.step(-3_600_000);
  let begun = false;
  effects.begin('a', 'x', options, async () => {
    begun = true;
  });
  assert.equal(begun, true);
});

test('what takes too long is aborted, and failed', async () => {
  const { clock, effects, wakes, options } = setUp();
  effects.begin('a', 'x', options, until);
  await clock.advance(1_000);
  assert.deepEqual(wakes, [1_100]);
  assert.equal(clock.armed, 0, 'no timer is left');
});

test('what is cancelled ends without a failure, and who cancels waits for that', async () => {
  const { effects, wakes, options } = setUp();
  let over = false;
  effects.begin('a', 'x', options, async (signal) => {
    await until(signal).catch(() => {});
    await settle();
    over = true;
    signal.throwIfAborted();
  });
  await effects.cancel('a', 'x', new AbortController().signal);
  assert.equal(over, true);
  assert.deepEqual([wakes, effects.size], [[], 0]);
  await effects.cancel('a', 'x', new AbortController().signal);
});

test('who cancels what does not obey can give up', async () => {
  const { effects, options } = setUp();
  effects.begin('a', 'x', options, () => new Promise(() => {}));
  const patience = new AbortController();
  const cancelled = effects.cancel('a', 'x', patience.signal);
  patience.abort(new Error('enough'));
  await assert.rejects(cancelled, /enough/);
});

test('of a thing that is finished nothing is remembered', async () => {
  const { effects, options } = setUp();
  effects.begin('a', 'x', options, fail);
  effects.begin('a', 'y', options, fail);
  await settle();
  assert.equal(effects.size, 1);
  effects.forget('a');
  assert.equal(effects.size, 0);
});

test('stopping waits for what is under way, then aborts it, then leaves it', async () => {
  const { clock, effects, options } = setUp();
  const heard: string[] = [];
  effects.begin('quick', 'x', options, async () => {
    await new Promise<void>((resolve) => clock.after(10, resolve));
    heard.push('quick ended');
  });
  effects.begin('slow', 'x', { ...options, deadlineMs: 60_000 }, async (signal) => {
    await until(signal).catch(() => heard.push('slow aborted'));
  });
  effects.begin('deaf', 'x', { ...options, deadlineMs: 60_000 }, () => new Promise(() => {}));
  let stopped = false;
  void effects.stop(100).then(() => {
    stopped = true;
  });
  effects.begin('late', 'x', options, async () => void heard.push('never'));
  await clock.advance(150);
  assert.deepEqual([heard, stopped], [['quick ended', 'slow aborted'], false]);
  await clock.advance(100);
  assert.equal(stopped, true);
});

test('what is under way in lanes that are abandoned is aborted and never tried again here', async () => {
  const { effects, wakes, options, clock } = setUp();
  effects.begin('job:1', 'drain', { ...options, lane: 3 }, until);
  effects.begin('job:2', 'drain', { ...options, lane: 4 }, until);
  effects.begin('job:3', 'stop', { ...options, lane: 3 }, fail);
  await settle();
  effects.abandon(new Set([3]));
  await settle();
  assert.deepEqual(wakes, [100], 'only the one that had failed before');
  assert.equal(effects.size, 1, 'the other lane goes on');
  await clock.advance(1_000);
});

test('a lane that is handed over is waited for, then aborted; others go on', async () => {
  const { effects, options, clock } = setUp();
  const gate = Promise.withResolvers<void>();
  let aborted = false;
  effects.begin('job:1', 'a', { ...options, deadlineMs: 60_000, lane: 3 }, () => gate.promise);
  effects.begin('job:2', 'b', { ...options, deadlineMs: 60_000, lane: 3 }, async (signal) => {
    await until(signal).catch(() => {
      aborted = true;
    });
  });
  effects.begin('job:3', 'c', { ...options, deadlineMs: 60_000, lane: 4 }, until);
  let isFinished = false;
  const finished = effects.finish(new Set([3]), 500).then(() => {
    isFinished = true;
  });
  gate.resolve();
  await clock.advance(499);
  assert.deepEqual([isFinished, aborted], [false, false]);
  await clock.advance(2);
  await finished;
  assert.ok(aborted);
  assert.equal(effects.size, 1);
});
