import type { Logger } from '@berth/backend';
import type { Clock, Millis } from '@berth/core';
import { StoreUnavailable } from '@berth/store';
import type { Tx } from './books.ts';

/** Remembers since when the store cannot be written, and leaves an event with the first write that succeeds. */
export class StoreOutage {
  readonly #clock: Clock;
  readonly #log: Logger;
  #since: Millis | null = null;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  failed(error: unknown): void {
    if (!(error instanceof StoreUnavailable) || error.reason === 'closed' || this.#since !== null) return;
    this.#since = this.#clock.now();
    this.#log.error('The database cannot be written; jobs go on, their agents keep what happens', {
      reason: error.reason,
      error: error.message,
    });
  }

  /** In the transaction that ends the outage, so that the event is there exactly if that is committed. */
  async tellIfOver(tx: Tx): Promise<void> {
    if (this.#since === null) return;
    const until = this.#clock.now();
    await tx.event({
      projectId: null,
      kind: 'server.store-recovered',
      message: `The database could not be written for ${this.#seconds()} s; nothing was lost`,
      targetKind: 'project',
      targetId: '',
      targetName: '',
      runId: null,
      details: { since: this.#since, until },
    });
  }

  over(): void {
    if (this.#since === null) return;
    this.#log.info('The database can be written again', { seconds: this.#seconds() });
    this.#since = null;
  }

  #seconds(): number {
    return Math.max(0, Math.round((this.#clock.now() - (this.#since ?? 0)) / 1000));
  }
}
