import { TransactionMisuse } from './store.ts';

/** Postgres takes less than 8,000 bytes in one notification, and its sender is named in it. */
const MAX_ANNOUNCEMENT_BYTES = 4_000;

/** @throws TransactionMisuse when it cannot be told everywhere as it is */
export function checkedAnnouncement(message: string): string {
  if (message.includes('\0') || !message.isWellFormed())
    throw new TransactionMisuse('an announcement may hold neither a NUL nor half a surrogate pair');
  if (Buffer.byteLength(message) <= MAX_ANNOUNCEMENT_BYTES) return message;
  throw new TransactionMisuse(
    `an announcement may have ${MAX_ANNOUNCEMENT_BYTES} bytes, not ${Buffer.byteLength(message)}`,
  );
}

/** The listeners of one process. */
export class Announcements {
  readonly #listeners = new Set<{ readonly told: (message: string) => void; readonly missed: () => void }>();
  readonly #onListenerError: (error: unknown) => void;

  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  listen(told: (message: string) => void, missed: () => void = () => {}): () => void {
    const own = { told, missed };
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  tell(message: string): void {
    for (const { told } of [...this.#listeners]) this.#call(() => told(message));
  }

  /** Some may have been lost. */
  missed(): void {
    for (const { missed } of [...this.#listeners]) this.#call(missed);
  }

  #call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#onListenerError(error);
    }
  }
}
