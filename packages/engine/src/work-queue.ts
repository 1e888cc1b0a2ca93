/**
 * Keyed, de-duplicated, timed work. A key is handled by one worker at a time; waking a key that is
 * waiting moves its time forward, waking one that is being handled handles it once more afterwards.
 * One timer is armed, for the earliest key that is due.
 */
import type { Millis } from '@berth/core';
import { DueHeap } from './due-heap.ts';
import type { Lane } from './lanes.ts';
import type { EngineClock } from './ports.ts';
import { CLOCK_SLACK_MS } from './timing.ts';

/**
 * However late the next key is due, the clock is looked at this often, so that one which was set back is
 * noticed: a timer that is armed anew for something else would not tell.
 */
const LONGEST_TIMER_MS = 2 * 60_000;

export interface WorkQueueOptions {
  /** Keys that are handled at the same time. */
  readonly concurrency?: number;
  /** Told when the clock was set back, and by how much at least. */
  readonly onClockSetBack?: (byMs: number) => void;
}

export class WorkQueue<Key extends string> {
  readonly #clock: EngineClock;
  /** Must not reject. */
  readonly #handle: (key: Key, lane: Lane) => Promise<void>;
  readonly #concurrency: number;
  readonly #onClockSetBack: (byMs: number) => void;
  /** Due now, in the order in which they became so: nobody is passed over. */
  readonly #ready = new Set<Key>();
  /** Due later. A key is here or in `#ready`, never in both. */
  readonly #waiting = new DueHeap<Key>();
  /** Keys in hand, with the lane for which they are, and the time at which they are wanted once more, if they are. */
  readonly #running = new Map<Key, { readonly lane: Lane; readonly again: Millis | null }>();
  /** The lanes of the keys above, where they have one: the others are in lane 0. */
  readonly #lanes = new Map<Key, Lane>();
  readonly #idleWaiters: (() => void)[] = [];
  /** Called whenever a key has been handled. */
  readonly #endWaiters: (() => void)[] = [];
  #timer: { readonly at: Millis; readonly firesAt: Millis; readonly cancel: () => void } | null = null;
  /** What the clock said when it was last looked at. */
  #seenAt: Millis = Number.NEGATIVE_INFINITY;
  #pumping = false;
  #stopped = false;

  constructor(clock: EngineClock, handle: (key: Key, lane: Lane) => Promise<void>, options: WorkQueueOptions = {}) {
    this.#clock = clock;
    this.#handle = handle;
    this.#concurrency = options.concurrency ?? 8;
    this.#onClockSetBack = options.onClockSetBack ?? (() => {});
  }

  /** Keys that wait or are in hand. */
  get size(): number {
    return this.#ready.size + this.#waiting.size + this.#running.size;
  }

  /** `at` is a time of the clock; left out: now. The lane is where it is handled, by which it can be forgotten. */
  wake(key: Key, at: Millis = 0, lane: Lane = 0): void {
    if (this.#stopped) return;
    if (lane !== 0) this.#lanes.set(key, lane);
    else if (this.#lanes.size > 0) this.#lanes.delete(key);
    const running = this.#running.get(key);
    if (running === undefined) this.#add(key, at);
    else this.#running.set(key, { ...running, again: Math.min(running.again ?? at, at) });
  }

  /** True when nothing is being handled and nothing is due at `at`. */
  isIdle(at: Millis): boolean {
    const next = this.#waiting.peek();
    return this.#running.size === 0 && this.#ready.size === 0 && (next === null || next.at > at);
  }

  /** Resolves the next time that no key is being handled and none is due. */
  idle(): Promise<void> {
    if (this.isIdle(this.#clock.now())) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Drops the keys of these lanes; those in hand are not handled once more. */
  forget(lanes: ReadonlySet<Lane>): void {
    for (const key of [...this.#ready, ...this.#waiting.keys()]) {
      if (!lanes.has(this.#lanes.get(key) ?? 0)) continue;
      this.#ready.delete(key);
      this.#waiting.delete(key);
      this.#lanes.delete(key);
    }
    for (const [key, { lane }] of this.#running) {
      if (lanes.has(lane)) this.#running.set(key, { lane, again: null });
    }
    this.#schedulePump();
  }

  /** Resolves when no key of these lanes is in hand. */
  async quiet(lanes: ReadonlySet<Lane>): Promise<void> {
    while ([...this.#running.values()].some(({ lane }) => lanes.has(lane))) {
      await new Promise<void>((resolve) => this.#endWaiters.push(resolve));
    }
  }

  /** Takes no new work; resolves when what is being handled is finished. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#ready.clear();
    this.#waiting.clear();
    while (this.#running.size > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  #add(key: Key, at: Millis): void {
    if (this.#ready.has(key)) return;
    if (at <= this.#clock.now()) {
      this.#waiting.delete(key);
      this.#ready.add(key);
    } else if (!this.#waiting.add(key, at)) {
      return;
    }
    this.#schedulePump();
  }

  #schedulePump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    // A microtask, so that many wakes of one commit are seen together.
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#stopped) return;
    const now = this.#clock.now();
    if (this.#seenAt - now > CLOCK_SLACK_MS) this.#wasSetBack(this.#seenAt - now);
    this.#seenAt = now;
    for (let next = this.#waiting.peek(); next !== null && next.at <= now; next = this.#waiting.peek()) {
      this.#waiting.delete(next.key);
      this.#ready.add(next.key);
    }
    for (const key of this.#ready) {
      if (this.#running.size >= this.#concurrency) break;
      this.#ready.delete(key);
      this.#start(key);
    }
    this.#arm(now);
    if (this.isIdle(now)) for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  #start(key: Key): void {
    const lane = this.#lanes.get(key) ?? 0;
    this.#lanes.delete(key);
    this.#running.set(key, { lane, again: null });
    void this.#handle(key, lane).finally(() => {
      const again = this.#running.get(key)?.again ?? null;
      this.#running.delete(key);
      for (const resolve of this.#endWaiters.splice(0)) resolve();
      if (this.#stopped) {
        for (const resolve of this.#idleWaiters.splice(0)) resolve();
        return;
      }
      if (again !== null) this.#add(key, again);
      this.#schedulePump();
    });
  }

  #arm(now: Millis): void {
    const wanted = this.#waiting.peek()?.at ?? null;
    if (this.#timer !== null && this.#timer.at === wanted) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (wanted === null) return;
    const delay = Math.min(wanted - now, LONGEST_TIMER_MS);
    const cancel = this.#clock.after(delay, () => this.#fire());
    this.#timer = { at: wanted, firesAt: now + delay, cancel };
  }

  #fire(): void {
    const early = (this.#timer?.firesAt ?? 0) - this.#clock.now();
    this.#timer = null;
    if (early > CLOCK_SLACK_MS) {
      this.#seenAt = this.#clock.now();
      this.#wasSetBack(early);
    }
    this.#pump();
  }

  /** Due times mean little now. Looking too early is harmless, so everything looks again. */
  #wasSetBack(byMs: number): void {
    for (const key of this.#waiting.clear()) this.#ready.add(key);
    this.#onClockSetBack(byMs);
  }
}
