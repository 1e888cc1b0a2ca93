/** What a backend's folder says about its offers: how they are collected or asked for, and what must be true of them. */

import type { Http } from '@berth/http';
import type { CollectedOffer } from './collected-offer.ts';

/** Everything from outside. */
export interface CollectContext<Credentials, Config = unknown> {
  readonly http: Http;
  /** Aborted at the deadline. */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Null where the source needs none and none were given. */
  readonly credentials: Credentials;
  /** Of the backend that the account is configured for; null where a list is collected without one. */
  readonly config: Config | null;
  readonly log: CollectLog;
}

export interface CollectLog {
  /** How far it is, for a person who waits: `region 3 of 28`. */
  progress(message: string): void;
  /**
   * Something was left out, and why: one region did not answer, a type has no price. It is counted and
   * shown; nothing is dropped in silence.
   */
  skipped(what: string, reason: string): void;
}

/**
 * Collected on a schedule and published as a file. Yields offers as they are found, in any order, so
 * that a large price list need not fit into memory twice. Throws when the list cannot be whole: then
 * the last good version stays.
 */
export type Collect<Credentials, Config = unknown> = (
  context: CollectContext<Credentials, Config>,
) => AsyncIterable<CollectedOffer>;
