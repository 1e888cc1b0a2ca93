import { createHash } from 'node:crypto';
import type { RandomBytes } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';

const PREFIX = 'berth_';
const TOKEN = /^berth_[0-9a-f]{64}$/;
/** Enough for a person to tell tokens apart, and far too little to guess the rest from. */
const SHOWN_CHARACTERS = PREFIX.length + 6;

/** 256 random bits. The prefix lets secret scanners, and people, see what it is. */
export function makeToken(random: RandomBytes): Secret<string> {
  return new Secret(PREFIX + Buffer.from(random(32)).toString('hex'));
}

/** What is stored of a token. A random token needs no salt and no slow hash: there is nothing to guess. */
export function hashToken(token: Secret<string>): string {
  return createHash('sha256').update(token.reveal()).digest('hex');
}

export const tokenPrefix = (token: Secret<string>): string => token.reveal().slice(0, SHOWN_CHARACTERS);

/** The token of an `Authorization: Bearer …` header; null when there is none of ours in it. */
export function bearerToken(header: string | undefined): Secret<string> | null {
  const [scheme = '', token = '', ...rest] = (header ?? '').trim().split(/ +/);
  if (scheme.toLowerCase() !== 'bearer' || rest.length > 0 || !TOKEN.test(token)) return null;
  return new Secret(token);
}
