import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineClock } from './ports.ts';
import { WorkQueue } from './work-queue.ts';

class ManualClock implements EngineClock {
  #now = 0;
  #timers: { at: number; run: () => void }[] = [];
  now(): number {
    return this.#now;
  }
  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  }
  armed(): number {
    return this.#timers.length;
  }
  async advance(ms: number): Promise<void> {
    this.#now += ms;
    for (const timer of this.#timers.filter((t) => t.at <= this.#now)) {
      this.#timers = this.#timers.filter((t) => t !== timer);
      timer.run();
    }
    await settle();
  }
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
};

test('a key that is woken many times before it is handled is handled once', async () => {
  const handled: string[] = [];
  const queue = new WorkQueue<string>(new ManualClock(), async (key) => void handled.push(key));
  for (let i = 0; i < 10; i++) queue.wake('a');
  await settle();
  assert.deepEqual(handled, ['a']);
});

test('a key that is woken while it is handled is handled once more, never twice at a time', async () => {
  let inside = 0;
  let most = 0;
  let times = 0;
  const gates: (() => void)[] = [];
  const queue = new WorkQueue<string>(new ManualClock(), async () => {
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
  const clock = new ManualClock();
  const queue = new WorkQueue<string>(clock, async (key) => void handled.push(key), { concurrency: 1 });
  queue.wake('late', 300);
  queue.wake('early', 100);
  queue.wake('moved', 500);
  queue.wake('moved', 50);
  queue.wake('moved', 400);
  await settle();
  assert.deepEqual(handled, []);
  assert.equal(clock.armed(), 1, 'one timer serves all keys');
  await clock.advance(60);
  assert.deepEqual(handled, ['moved']);
  await clock.advance(500);
  assert.deepEqual(handled, ['moved', 'early', 'late']);
  assert.equal(clock.armed(), 0, 'an idle queue has no timer');
});

test('never more keys at a time than the queue allows, and all get their turn', async () => {
  let inside = 0;
  let most = 0;
  let done = 0;
  const queue = new WorkQueue<string>(
    new ManualClock(),
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
  const queue = new WorkQueue<string>(new ManualClock(), async (key) => {
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
