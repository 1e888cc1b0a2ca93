import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AgentClock, ForwardTime, StepWatch } from './clock.ts';
import { Later } from './later.ts';

interface TestClock extends AgentClock {
  wall: number;
  boot: string;
  passed: number;
}

function testClock(): TestClock {
  const clock: TestClock = {
    wall: 1_000_000,
    passed: 0,
    boot: 'b',
    now: () => clock.wall,
    sinceBoot: () => clock.passed,
  };
  return clock;
}

describe('time that only goes forward', () => {
  it('stands still while the clock is behind', () => {
    const clock = testClock();
    const time = new ForwardTime(clock);
    assert.equal(time.now(), 1_000_000);
    clock.wall -= 60_000;
    assert.equal(time.now(), 1_000_000);
    clock.wall += 60_001;
    assert.equal(time.now(), 1_000_001);
  });
  it('begins after what was stamped before a restart', () =>
    assert.equal(new ForwardTime(testClock(), 2_000_000).now(), 2_000_000));
});

describe('a clock that is set back', () => {
  it('is noticed once, and only by more than a time daemon moves it', () => {
    const clock = testClock();
    const watch = new StepWatch(clock);
    clock.passed += 10_000;
    clock.wall += 10_000;
    assert.equal(watch.check(), null);
    clock.wall -= 4_000;
    assert.equal(watch.check(), null);
    clock.wall -= 3_600_000;
    assert.equal(watch.check(), 3_604_000);
    clock.wall -= 3_600_000;
    assert.equal(watch.check(), null);
  });
  it('is not seen in a machine that slept', () => {
    const clock = testClock();
    const watch = new StepWatch(clock);
    clock.passed += 3_600_000;
    clock.wall += 3_600_000;
    assert.equal(watch.check(), null);
  });
});

describe('a deadline', () => {
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const real: AgentClock = { now: () => 0, sinceBoot: () => performance.now(), boot: null };

  it('comes once, also when it is further away than a timer can be set', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const clock = testClock();
    const later = new Later(clock);
    let calls = 0;
    const days = 40 * 24 * 3_600_000;
    later.set(days, () => {
      calls += 1;
    });
    for (let passed = 0; passed < days - 60_000; passed += 60_000) {
      clock.passed += 60_000;
      t.mock.timers.tick(60_000);
    }
    assert.equal(calls, 0);
    clock.passed += 60_000;
    t.mock.timers.tick(60_000);
    assert.equal(calls, 1);
  });

  it('can be moved nearer and not away when it is said so', async () => {
    const later = new Later(real);
    const calls: string[] = [];
    later.set(20, () => void calls.push('first'), 'keep-sooner');
    later.set(5_000, () => void calls.push('later'), 'keep-sooner');
    await wait(60);
    assert.deepEqual(calls, ['first']);
    later.set(5_000, () => void calls.push('far'), 'keep-sooner');
    later.set(10, () => void calls.push('near'), 'keep-sooner');
    await wait(60);
    assert.deepEqual(calls, ['first', 'near']);
  });

  it('that is cancelled never comes', async () => {
    const later = new Later(real);
    later.set(10, () => assert.fail('it came'));
    later.cancel();
    await wait(40);
  });
});
