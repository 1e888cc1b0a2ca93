import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimClock, settle } from './testing/sim-clock.ts';
import { WorkQueue } from './work-queue.ts';

test('a key that is woken many times before it is handled is handled once', async () => {
  const handled: string[] = [];
  const queue = new WorkQueue<string>(new SimClock(0), async (key) => void handled.push(key));
  for (let i = 0; i < 10; i++) queue.wake('a');
  await settle();
  assert.deepEqual(handled, ['a']);
});

test('a key that is woken while it is handled is handled once more, never twice at a time', async () => {
  let inside = 0;
  let most = 0;
  let times = 0;
  const gates: (() => void)[] = [];
  const queue = new WorkQueue<string>(new SimClock(0), async () => {
    inside += 1;
    times += 1;
    most = Math.max(most, inside);
    await new Promise<void>((resolve) => gates.push(resolve));
    inside -= 1;
  });
  queue.wake('a');
  await settle();
  queue.wake('a');
  queue.wake('a');
  await settle();
  gates.shift()?.();
  await settle();
  gates.shift()?.();
  await settle();
  assert.equal(most, 1);
  assert.equal(times, 2);
});

test('keys are handled in the order of their due times, and an earlier wake moves a key forward', async () => {
  const handled: string[] = [];
  const clock = new SimClock(0);
  const queue = new WorkQueue<string>(clock, async (key) => void handled.push(key), { concurrency: 1 });
  queue.wake('late', 300);
  queue.wake('early', 100);
  queue.wake('moved', 500);
  queue.wake('moved', 50);
  queue.wake('moved', 400);
  await settle();
  assert.deepEqual(handled, []);
  assert.equal(clock.armed, 1, 'one timer serves all keys');
  await clock.advance(60);
  assert.deepEqual(handled, ['moved']);
  await clock.advance(500);
  assert.deepEqual(handled, ['moved', 'early', 'late']);
  assert.equal(clock.armed, 0, 'an idle queue has no timer');
});

test('never more keys at a time than the queue allows, and all get their turn', async () => {
  let inside = 0;
  let most = 0;
  let done = 0;
  const queue = new WorkQueue<string>(
    new SimClock(0),
    async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise<void>((resolve) => setImmediate(resolve));
      inside -= 1;
      done += 1;
    },
    { concurrency: 3 },
  );
  for (let i = 0; i < 50; i++) queue.wake(`k${i}`);
  await queue.idle();
  assert.equal(done, 50);
  assert.equal(most, 3);
});

test('a stopped queue finishes what is being handled and takes nothing new', async () => {
  const handled: string[] = [];
  let release: () => void = () => {};
  const queue = new WorkQueue<string>(new SimClock(0), async (key) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    handled.push(key);
  });
  queue.wake('a');
  await settle();
  const stopped = queue.stop();
  queue.wake('b');
  release();
  await stopped;
  await settle();
  assert.deepEqual(handled, ['a']);
});

test('a key in hand that is wanted again does not hold up the others', async () => {
  const handled: string[] = [];
  const gate = Promise.withResolvers<void>();
  const clock = new SimClock(0);
  const queue = new WorkQueue<string>(clock, async (key) => {
    handled.push(key);
    if (key === 'slow') await gate.promise;
  });
  queue.wake('slow');
  await settle();
  queue.wake('slow');
  queue.wake('later', 100);
  await clock.advance(100);
  assert.deepEqual(handled, ['slow', 'later']);
  gate.resolve();
  await settle();
  assert.deepEqual(handled, ['slow', 'later', 'slow']);
});

test('what is due by time has its turn between what is woken now', async () => {
  const handled: string[] = [];
  const clock = new SimClock(0);
  const queue = new WorkQueue<string>(
    clock,
    async (key) => {
      handled.push(key);
      if (key.startsWith('busy') && handled.length < 50) queue.wake(`busy${handled.length}`);
    },
    { concurrency: 1 },
  );
  queue.wake('timed', 10);
  await settle();
  queue.wake('busy');
  clock.step(10);
  await settle();
  assert.equal(handled.length, 50);
  assert.ok(handled.indexOf('timed') < 3, `it was handled as number ${handled.indexOf('timed')}`);
});

test('when the clock is set back, everything that waits looks again at once', async () => {
  const handled: string[] = [];
  const steps: number[] = [];
  const clock = new SimClock(0);
  const queue = new WorkQueue<string>(clock, async (key) => void handled.push(key), {
    onClockSetBack: (byMs) => void steps.push(byMs),
  });
  queue.wake('soon', 1_000);
  queue.wake('late', 60_000);
  await settle();
  clock.step(-3_600_000);
  await clock.advance(1_000);
  assert.deepEqual([handled, steps], [['soon', 'late'], [3_600_000]]);
});

test('that the clock was set back is noticed too when something else is due earlier by then', async () => {
  const handled: string[] = [];
  const clock = new SimClock(0);
  const queue = new WorkQueue<string>(clock, async (key) => void handled.push(key));
  queue.wake('late', 60_000);
  await settle();
  clock.step(-3_600_000);
  queue.wake('soon', clock.now() + 5_000);
  await clock.advance(6_000);
  assert.deepEqual(handled.sort(), ['late', 'soon']);
});

test('a handled key leaves nothing behind', async () => {
  const queue = new WorkQueue<string>(new SimClock(0), async () => {});
  for (let i = 0; i < 100; i++) queue.wake(`k${i}`);
  await queue.idle();
  assert.equal(queue.size, 0);
});

test('a lane that is forgotten has no key left, waiting or due; one in hand is not handled once more', async () => {
  const handled: string[] = [];
  const gate = Promise.withResolvers<void>();
  const clock = new SimClock(0);
  const queue = new WorkQueue<string>(
    clock,
    async (key, lane) => {
      handled.push(`${key}@${lane}`);
      if (key === 'slow') await gate.promise;
    },
    { concurrency: 1 },
  );
  queue.wake('slow', 0, 3);
  await settle();
  queue.wake('slow', 0, 3);
  for (const [key, lane] of [
    ['due', 3],
    ['other', 4],
    ['none', 0],
  ] as const)
    queue.wake(key, 0, lane);
  queue.wake('later', 1_000, 3);
  queue.forget(new Set([3]));
  let isQuiet = false;
  const quiet = queue.quiet(new Set([3])).then(() => {
    isQuiet = true;
  });
  await settle();
  assert.ok(!isQuiet, 'one is in hand');
  gate.resolve();
  await quiet;
  await clock.advance(2_000);
  assert.deepEqual(handled, ['slow@3', 'other@4', 'none@0']);
  assert.equal(queue.size, 0);
});
