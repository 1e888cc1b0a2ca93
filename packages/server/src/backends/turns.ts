/** Work that is done one piece after the other, some of it later; after `close` nothing more is begun. */
export class Turns {
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #closing = new AbortController();
  #last: Promise<unknown> = Promise.resolve();

  /** Aborted by `close`. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** In place of what was to be done later under the same key. */
  later(key: string, delayMs: number, work: () => Promise<void>): void {
    this.cancel(key);
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      void this.take(async () => {
        if (!this.signal.aborted) await work();
      });
    }, delayMs);
    timer.unref();
    this.#timers.set(key, timer);
  }

  isDue(key: string): boolean {
    return this.#timers.has(key);
  }

  cancel(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }

  /** Waits for what is being done. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the server stops'));
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await this.#last;
  }
}
