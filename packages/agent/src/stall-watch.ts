/** Ends what makes no progress, however long it may take as long as it does. */
export class StallWatch {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(limitMs: number) {
    this.#timer = setTimeout(() => {
      this.end(`Nothing has moved for ${Math.round(limitMs / 1000)} s`);
    }, limitMs);
  }

  /** Fires when nothing has moved for the limit, or at `end`; its reason is an `Error`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  progress(): void {
    if (!this.#controller.signal.aborted) this.#timer.refresh();
  }

  end(why: string): void {
    clearTimeout(this.#timer);
    this.#controller.abort(new Error(why));
  }

  /** What was watched is done. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** The same result, or a rejection as soon as the signal fires. */
  async over<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#controller;
    const stalled = Promise.withResolvers<never>();
    const onAbort = (): void => stalled.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    work.catch(() => undefined); // what comes of it after the end is nobody's
    try {
      return await Promise.race([work, stalled.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
