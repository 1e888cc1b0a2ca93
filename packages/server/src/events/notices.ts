import type { Logger } from '@berth/backend';
import type { Store } from '@berth/store';
import type { EventDraft, RecordEvent } from './record.ts';

/** First and longest time between two attempts to write what the store refused. */
const RETRY_MS = [5_000, 60_000] as const;
/** What was noticed first says most about a trouble. */
const MAX_WAITING = 100;

/** Events about trouble, which may well be trouble of the store that should keep them: they wait until it can. */
export class Notices {
  readonly #store: Store;
  readonly #record: RecordEvent;
  readonly #log: Logger;
  readonly #waiting: EventDraft[] = [];
  #pause: number = RETRY_MS[0];
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;

  constructor(store: Store, record: RecordEvent, log: Logger) {
    this.#store = store;
    this.#record = record;
    this.#log = log;
  }

  add(draft: EventDraft): void {
    this.#log.warn(draft.message, { kind: draft.kind });
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(draft);
    if (this.#timer === null) this.#writing ??= this.#write();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#writing;
  }

  async #write(): Promise<void> {
    try {
      for (let draft = this.#waiting[0]; draft !== undefined; draft = this.#waiting[0]) {
        const now = draft;
        await this.#store.transaction((tables) => this.#record(tables, now));
        this.#waiting.shift();
      }
      this.#pause = RETRY_MS[0];
    } catch {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#writing ??= this.#write();
      }, this.#pause).unref();
      this.#pause = Math.min(this.#pause * 2, RETRY_MS[1]);
    } finally {
      this.#writing = null;
    }
  }
}
