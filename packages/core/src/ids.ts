/** Branded ids: a RunId cannot be passed where a JobId is meant. */

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

export type ProjectId = Brand<string, 'ProjectId'>;
export type UserId = Brand<string, 'UserId'>;
export type TokenId = Brand<string, 'TokenId'>;
export type RunId = Brand<string, 'RunId'>;
export type JobId = Brand<string, 'JobId'>;
export type InstanceId = Brand<string, 'InstanceId'>;
export type FleetId = Brand<string, 'FleetId'>;
export type IntentId = Brand<string, 'IntentId'>;
export type EventId = Brand<string, 'EventId'>;
export type SecretId = Brand<string, 'SecretId'>;
export type BackendId = Brand<string, 'BackendId'>;
export type OrphanId = Brand<string, 'OrphanId'>;
/** One life of one server: a restart has a new one. */
export type ServerId = Brand<string, 'ServerId'>;

/** SHA-256 of a blob's bytes, lower-case hex (64 characters). */
export type BlobHash = Brand<string, 'BlobHash'>;

/** Milliseconds since the Unix epoch. */
export type Millis = number;

/** Time, handed in: no module below the composition root reads the clock itself. */
export interface Clock {
  now(): Millis;
}

/** Fills `bytes` with random bytes; handed in so that a simulation can replay. */
export type RandomBytes = (length: number) => Uint8Array;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A new id: 10 characters of time (ms) and 16 of randomness, Crockford base 32 in lower case,
 * so that ids sort by creation time and can be used in names of machines, files and URLs.
 */
export function newId<T extends string>(now: Millis, random: RandomBytes): Brand<string, T> {
  let time = Math.max(0, Math.floor(now));
  let head = '';
  for (let i = 0; i < 10; i++) {
    head = ALPHABET[time % 32] + head;
    time = Math.floor(time / 32);
  }
  let tail = '';
  for (const byte of random(16)) tail += ALPHABET[byte % 32];
  return (head + tail) as Brand<string, T>; // the one place where ids are made
}
