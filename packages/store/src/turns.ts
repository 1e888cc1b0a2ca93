/** A lock whose waiters are served in the order in which they came. */
export class Turns {
  readonly #waiting: { readonly grant: () => void; readonly refuse: (error: Error) => void }[] = [];
  #taken = false;
  #closed: Error | null = null;

  /** Resolves when it is the caller's turn. Every turn must be given back with `pass`. */
  take(): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closed);
    if (!this.#taken) {
      this.#taken = true;
      return Promise.resolve();
    }
    return new Promise((grant, refuse) => this.#waiting.push({ grant, refuse }));
  }

  pass(): void {
    const next = this.#waiting.shift();
    if (next) next.grant();
    else this.#taken = false;
  }

  /** Refuses those who wait and those who come, and resolves when the last turn has been given back. */
  async close(error: Error): Promise<void> {
    this.#closed = error;
    const waiting = this.#waiting.splice(0);
    const idle = this.#taken
      ? new Promise<void>((grant) => this.#waiting.push({ grant, refuse: () => grant() }))
      : Promise.resolve();
    for (const waiter of waiting) waiter.refuse(error);
    await idle;
  }
}
