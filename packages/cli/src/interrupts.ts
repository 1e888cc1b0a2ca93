import { EXIT_INTERRUPTED, Reported } from './output/error.ts';

export interface InterruptsOptions {
  /** What a second one does instead of ending the process: something is being removed that costs money. */
  readonly again?: () => void;
}

/**
 * What Ctrl-C means changes while a command goes on: first it aborts, later it only stops watching. A
 * second one ends the process at once, whatever the first one is doing.
 */
export class Interrupts implements Disposable {
  readonly #controller = new AbortController();
  readonly #listener: () => void;

  constructor({ again = () => process.exit(EXIT_INTERRUPTED) }: InterruptsOptions = {}) {
    this.#listener = () => {
      if (this.#controller.signal.aborted) again();
      else this.#controller.abort(new Reported(EXIT_INTERRUPTED));
    };
    process.on('SIGINT', this.#listener);
    process.on('SIGTERM', this.#listener);
  }

  /** Aborted with a `Reported`, so that whoever does not catch it ends with exit code 130. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#listener);
    process.off('SIGTERM', this.#listener);
  }
}
