/**
 * Lets servers that have one folder of logs follow what another one writes. Only what somebody follows
 * elsewhere is told, and rarely enough that a job which prints much costs the database nothing.
 */
import type { JobId, Millis } from '@berth/core/ids';
import type { Store } from '@berth/store';
import type { LogOthers } from './log-store.ts';

/** Between two tellings of the same job. */
const TELL_EVERY_MS = 200;
/** Who follows says so again and again; who has died does not. */
const ASK_EVERY_MS = 20_000;
const BELIEVED_MS = 3 * ASK_EVERY_MS;

const FOLLOW = 'log-follow';
const GROWN = 'log-grown';

export interface SharedLogsOptions {
  readonly store: Pick<Store, 'announce' | 'onAnnouncement'>;
  readonly now: () => Millis;
  /** Called when bytes of a job may have come elsewhere. */
  readonly onGrown: (job: JobId) => void;
}

export class SharedLogs implements LogOthers {
  readonly #options: SharedLogsOptions;
  /** What is followed elsewhere, and until when that is believed. */
  readonly #wantedElsewhere = new Map<JobId, Millis>();
  readonly #followedHere = new Set<JobId>();
  /** What was told a moment ago; true: more has come since. */
  readonly #resting = new Map<JobId, boolean>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #asking: NodeJS.Timeout;
  readonly #stopListening: () => void;

  constructor(options: SharedLogsOptions) {
    this.#options = options;
    this.#stopListening = options.store.onAnnouncement(
      (message) => this.#heard(message),
      () => this.#missed(),
    );
    this.#asking = setInterval(() => this.#ask(), ASK_EVERY_MS).unref();
  }

  close(): void {
    this.#stopListening();
    clearInterval(this.#asking);
    for (const timer of this.#timers) clearTimeout(timer);
  }

  stored(job: JobId): void {
    const until = this.#wantedElsewhere.get(job);
    if (until === undefined) return;
    if (until < this.#options.now()) {
      this.#wantedElsewhere.delete(job);
    } else if (this.#resting.has(job)) {
      this.#resting.set(job, true);
    } else {
      this.#tell(job);
    }
  }

  followed(job: JobId, isFollowed: boolean): void {
    if (!isFollowed) {
      this.#followedHere.delete(job);
      return;
    }
    this.#followedHere.add(job);
    this.#options.store.announce(`${FOLLOW} ${job}`);
  }

  #tell(job: JobId): void {
    this.#options.store.announce(`${GROWN} ${job}`);
    this.#resting.set(job, false);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const more = this.#resting.get(job) === true;
      this.#resting.delete(job);
      if (more) this.#tell(job);
    }, TELL_EVERY_MS).unref();
    this.#timers.add(timer);
  }

  #ask(): void {
    for (const job of this.#followedHere) this.#options.store.announce(`${FOLLOW} ${job}`);
  }

  #missed(): void {
    this.#ask();
    for (const job of this.#followedHere) this.#options.onGrown(job);
  }

  /** Also what this server has said itself, which does no harm. */
  #heard(message: string): void {
    const [kind, id] = message.split(' ');
    const job = id as JobId; // nobody else announces these words
    if (kind === FOLLOW) this.#wantedElsewhere.set(job, this.#options.now() + BELIEVED_MS);
    else if (kind === GROWN && this.#followedHere.has(job)) this.#options.onGrown(job);
  }
}
