/** Lets one loop wait for "something happened" without missing what happens while it works. */
export class Pulse {
  #pending = false;
  #wake: (() => void) | null = null;

  beat(): void {
    this.#pending = true;
    this.#wake?.();
  }

  /** Resolves at the next beat, or at once when there was one since the last wait; also when aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    if (!this.#pending && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      signal.addEventListener('abort', this.#release, { once: true });
      await promise;
      signal.removeEventListener('abort', this.#release);
      this.#wake = null;
    }
    this.#pending = false;
  }

  readonly #release = (): void => this.#wake?.();
}
