import type { Logger } from '@berth/backend';
import type { Clock, Millis } from '@berth/core';
import { StoreUnavailable } from '@berth/store';
import type { Tx } from './books.ts';

/** A store that fails now and then is told of this often at most. */
const TELL_EVERY_MS = 60_000;

/** Remembers since when the store cannot be written, and leaves an event once it can be again. */
export class StoreOutage {
  readonly #clock: Clock;
  readonly #log: Logger;
  /** The outage that lasts. */
  #since: Millis | null = null;
  /** The time that was lost since the last event. */
  #untold: { readonly since: Millis; until: Millis } | null = null;
  #toldAt: Millis | null = null;

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

  /** In a transaction that writes, so that the event is there exactly if that is committed. */
  async tell(tx: Tx): Promise<void> {
    const untold = this.#soFar();
    if (untold === null || !this.#mayTell()) return;
    const { since, until } = untold;
    await tx.event({
      projectId: null,
      kind: 'server.store-recovered',
      message: `The database could not be written for ${seconds(since, until)} s; nothing was lost`,
      targetKind: 'project',
      targetId: '',
      targetName: '',
      runId: null,
      details: { since, until },
    });
  }

  /** That transaction is committed. */
  written(): void {
    const untold = this.#soFar();
    if (this.#since !== null) {
      this.#log.info('The database can be written again', { seconds: seconds(this.#since, this.#clock.now()) });
    }
    this.#since = null;
    this.#untold = untold;
    if (untold === null || !this.#mayTell()) return;
    this.#untold = null;
    this.#toldAt = this.#clock.now();
  }

  #soFar(): { readonly since: Millis; until: Millis } | null {
    if (this.#since === null) return this.#untold;
    return { since: this.#untold?.since ?? this.#since, until: this.#clock.now() };
  }

  #mayTell(): boolean {
    return this.#toldAt === null || Math.abs(this.#clock.now() - this.#toldAt) >= TELL_EVERY_MS;
  }
}

function seconds(since: Millis, until: Millis): number {
  return Math.max(0, Math.round((until - since) / 1000));
}
