import { EXIT_INTERRUPTED, Reported } from './output/error.ts';
import { insteadOfEnding } from './output/pipe.ts';

export interface InterruptsOptions {
  /**
   * What a second one does instead of ending the process: something is being removed that costs money. Then a
   * terminal that is closed, and a reader of our output that goes away, interrupt like Ctrl-C too.
   */
  readonly again?: () => void;
}

/**
 * What Ctrl-C means changes while a command goes on: first it aborts, later it only stops watching. A
 * second one ends the process at once, whatever the first one is doing.
 */
export class Interrupts implements Disposable {
  readonly #controller = new AbortController();
  readonly #listener: () => void;
  readonly #output: Disposable | null;

  constructor({ again }: InterruptsOptions = {}) {
    const interrupt = (): void => {
      if (!this.#controller.signal.aborted) this.#controller.abort(new Reported(EXIT_INTERRUPTED));
    };
    const repeat = again ?? (() => process.exit(EXIT_INTERRUPTED));
    this.#listener = () => {
      if (this.#controller.signal.aborted) repeat();
      else interrupt();
    };
    process.on('SIGINT', this.#listener);
    process.on('SIGTERM', this.#listener);
    if (again !== undefined) process.on('SIGHUP', this.#listener);
    this.#output = again === undefined ? null : insteadOfEnding(interrupt);
  }

  /** Aborted with a `Reported`, so that whoever does not catch it ends with exit code 130. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#listener);
    process.off('SIGTERM', this.#listener);
    process.off('SIGHUP', this.#listener);
    this.#output?.[Symbol.dispose]();
  }
}
