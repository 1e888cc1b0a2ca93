import type { RowChange } from './store.ts';

/** Who is told of commits in one process. */
export class CommitListeners {
  readonly #listeners = new Set<{
    readonly told: (changes: readonly RowChange[]) => void;
    readonly missed: () => void;
  }>();
  readonly #onListenerError: (error: unknown) => void;

  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  listen(told: (changes: readonly RowChange[]) => void, missed: () => void = () => {}): () => void {
    // An object of its own, so that a listener that is added twice is called twice and removed once.
    const own = { told, missed };
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  tell(changes: readonly RowChange[]): void {
    if (changes.length === 0) return;
    for (const { told } of [...this.#listeners]) this.#call(() => told(changes));
  }

  /** Some commits of other servers may not have been told. */
  missed(): void {
    for (const { missed } of [...this.#listeners]) this.#call(missed);
  }

  #call(listener: () => unknown): void {
    try {
      // A listener may be async although it should not: what it throws then must not end the process.
      const outcome = listener();
      if (outcome instanceof Promise) outcome.catch(this.#onListenerError);
    } catch (error) {
      this.#onListenerError(error);
    }
  }
}

/** What is done with a listener's error unless the store was told otherwise. */
export function warnOfListener(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)));
}
