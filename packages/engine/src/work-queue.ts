/**
 * Keyed, de-duplicated, timed work. A key is handled by one worker at a time; waking a key that is
 * waiting moves its time forward, waking one that is being handled handles it once more afterwards.
 * One timer is armed, for the earliest key that is due.
 */
import type { Millis } from '@berth/core';
import type { EngineClock } from './ports.ts';

export class WorkQueue<Key extends string> {
  readonly #clock: EngineClock;
  readonly #handle: (key: Key) => Promise<void>;
  readonly #concurrency: number;
  /** When each waiting key is due. The heap may hold older entries of the same key; this map decides. */
  readonly #due = new Map<Key, Millis>();
  readonly #heap: { at: Millis; key: Key }[] = [];
  readonly #running = new Set<Key>();
  readonly #idleWaiters: (() => void)[] = [];
  #timer: { at: Millis; cancel: () => void } | null = null;
  #pumping = false;
  #stopped = false;

  constructor(clock: EngineClock, handle: (key: Key) => Promise<void>, concurrency = 8) {
    this.#clock = clock;
    this.#handle = handle;
    this.#concurrency = concurrency;
  }

  wake(key: Key, at: Millis = 0): void {
    if (this.#stopped) return;
    const known = this.#due.get(key);
    if (known !== undefined && known <= at) return;
    this.#due.set(key, at);
    this.#push({ at, key });
    this.#schedulePump();
  }

  /** True when nothing is being handled and nothing is due at `at`. */
  isIdle(at: Millis): boolean {
    const next = this.#peek();
    return this.#running.size === 0 && (next === null || next.at > at);
  }

  /** Resolves the next time that no key is being handled and none is due. */
  idle(): Promise<void> {
    if (this.isIdle(this.#clock.now())) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Takes no new work; resolves when what is being handled is finished. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#due.clear();
    while (this.#running.size > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
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
    const deferred: { at: Millis; key: Key }[] = [];
    while (this.#running.size < this.#concurrency) {
      const next = this.#peek();
      if (next === null || next.at > now) break;
      this.#pop();
      if (this.#running.has(next.key)) {
        // Handled again as soon as the present handling is finished.
        deferred.push(next);
        continue;
      }
      this.#due.delete(next.key);
      this.#start(next.key);
    }
    for (const entry of deferred) this.#push(entry);
    this.#arm(now);
    if (this.#running.size === 0 && this.isIdle(now)) for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  #start(key: Key): void {
    this.#running.add(key);
    void this.#handle(key).finally(() => {
      this.#running.delete(key);
      if (this.#stopped) for (const resolve of this.#idleWaiters.splice(0)) resolve();
      else this.#schedulePump();
    });
  }

  #arm(now: Millis): void {
    const next = this.#peek();
    const wanted = next === null || this.#running.has(next.key) || next.at <= now ? null : next.at;
    if (this.#timer !== null && this.#timer.at === wanted) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (wanted === null) return;
    // Timers take at most 2^31 - 1 ms; a later key is looked at again then.
    const cancel = this.#clock.after(Math.min(wanted - now, 2_000_000_000), () => {
      this.#timer = null;
      this.#pump();
    });
    this.#timer = { at: wanted, cancel };
  }

  /** The earliest entry that still counts. */
  #peek(): { at: Millis; key: Key } | null {
    for (;;) {
      const head = this.#heap[0];
      if (head === undefined) return null;
      if (this.#due.get(head.key) === head.at) return head;
      this.#pop();
    }
  }

  #push(entry: { at: Millis; key: Key }): void {
    const heap = this.#heap;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= entry.at) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      const left = heap[2 * i + 1];
      const right = heap[2 * i + 2];
      if (left === undefined) break;
      const useRight = right !== undefined && right.at < left.at;
      const child = useRight ? right : left;
      if (child.at >= last.at) break;
      heap[i] = child;
      i = 2 * i + (useRight ? 2 : 1);
    }
    heap[i] = last;
  }
}
