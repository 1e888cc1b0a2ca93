/** Hands things over one at a time and in order, each again and again until it is taken. */
export class SerialDelivery {
  readonly #queue: { readonly deliver: () => Promise<void>; readonly taken: () => void }[] = [];
  readonly #retryMs: readonly [number, number];
  readonly #stopped: AbortSignal;
  #running = false;

  /** The pause after a failure doubles from the first number to the second; `stopped` drops what is left. */
  constructor(retryMs: readonly [number, number], stopped: AbortSignal) {
    this.#retryMs = retryMs;
    this.#stopped = stopped;
  }

  /** `deliver` is repeated while it rejects; `taken` is called once when it has resolved. */
  add(deliver: () => Promise<void>, taken: () => void): void {
    this.#queue.push({ deliver, taken });
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    const [first, longest] = this.#retryMs;
    let pause = first;
    for (let next = this.#queue[0]; next !== undefined && !this.#stopped.aborted; next = this.#queue[0]) {
      try {
        await next.deliver();
      } catch {
        // The handler reports its own failures; here only the order matters.
        await this.#wait(pause);
        pause = Math.min(pause * 2, longest);
        continue;
      }
      pause = first;
      this.#queue.shift();
      next.taken();
    }
    this.#running = false;
  }

  async #wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#stopped.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#stopped.addEventListener('abort', done);
    });
  }
}
