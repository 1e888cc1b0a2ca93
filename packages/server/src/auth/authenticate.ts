import { timingSafeEqual } from 'node:crypto';
import { BerthError } from '@berth/core/errors';
import type { Clock, Millis, TokenId } from '@berth/core/ids';
import type { Store, TokenRow, UserRow } from '@berth/store';
import { bearerToken, hashToken } from './token.ts';

/** Who makes a request, and with which of their tokens. */
export interface Caller {
  readonly user: UserRow;
  readonly token: TokenRow;
}

/** A day's use is what people look for in `last used`; a write per minute and token is nearly nothing. */
const LAST_USED_STEP_MS = 60_000;
/** Commits of this server empty the cache at once; this bounds what another server's commits may take. */
const CACHE_MS = 5_000;
const CACHE_SIZE = 1000;

/** Tells who calls. Asking again within seconds costs neither a query nor a write. */
export class Authenticator {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly caller: Caller; readonly until: Millis }>();
  readonly #markedAt = new Map<TokenId, Millis>();
  readonly #marking = new Set<Promise<void>>();
  readonly #stopListening: () => void;
  /** Grows with every change of users or tokens: an answer that was read before must not be kept after. */
  #age = 0;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    const forget = (): void => {
      this.#age++;
      this.#known.clear();
    };
    this.#stopListening = store.onCommit((changes) => {
      if (changes.some(({ table }) => table === 'users' || table === 'tokens')) forget();
    }, forget);
  }

  /** @throws BerthError `unauthenticated` */
  async authenticate(header: string | undefined): Promise<Caller> {
    const token = bearerToken(header);
    if (token === null) {
      throw new BerthError(
        'unauthenticated',
        header === undefined ? 'This request carries no token.' : 'The Authorization header holds no Berth token.',
        { hint: 'Send `Authorization: Bearer berth_…`, or log in with `berth project add`.' },
      );
    }
    const hash = hashToken(token);
    const now = this.#clock.now();
    const known = this.#known.get(hash);
    const caller = known !== undefined && known.until > now ? known.caller : await this.#look(hash, now);
    const { expiresAt } = caller.token;
    if (expiresAt !== null && expiresAt <= now) throw expired(caller.token, expiresAt);
    this.#markUsed(caller.token, now);
    return caller;
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    this.#stopListening();
    await Promise.all(this.#marking);
  }

  async #look(hash: string, now: Millis): Promise<Caller> {
    const age = this.#age;
    const token = await this.#store.read.tokens.first({ where: { hash } });
    if (token === null || !timingSafeEqual(Buffer.from(token.hash), Buffer.from(hash))) {
      throw new BerthError('unauthenticated', 'This token is not known to this server.', {
        hint: 'It may belong to another server. An admin of this one can make you a new one.',
      });
    }
    if (token.revokedAt !== null) {
      throw new BerthError(
        'unauthenticated',
        `The token \`${token.name}\` was revoked on ${new Date(token.revokedAt).toISOString()}.`,
        { hint: 'Make another one with a token that is still good, or ask an admin.' },
      );
    }
    const user = await this.#store.read.users.get(token.userId);
    if (user === null || !user.active) {
      throw new BerthError('unauthenticated', 'The user of this token is not active.', {
        hint: 'An admin of the server can activate the user again.',
      });
    }
    const caller = { user, token };
    if (age === this.#age) this.#keep(hash, { caller, until: now + CACHE_MS });
    return caller;
  }

  #keep(hash: string, entry: { readonly caller: Caller; readonly until: Millis }): void {
    this.#known.delete(hash);
    this.#known.set(hash, entry);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= CACHE_SIZE) return;
      this.#known.delete(oldest);
    }
  }

  /** Beside the request: whether the store can be written now must not decide whether it can be read. */
  #markUsed(token: TokenRow, now: Millis): void {
    const last = Math.max(token.lastUsedAt ?? 0, this.#markedAt.get(token.id) ?? 0);
    if (now - last < LAST_USED_STEP_MS && now >= last) return;
    if (this.#markedAt.size > CACHE_SIZE) this.#markedAt.clear();
    this.#markedAt.set(token.id, now);
    const marking = this.#store
      .transaction(async (tables) => {
        const current = await tables.tokens.get(token.id);
        if (current !== null) await tables.tokens.update(current.id, current.version, { lastUsedAt: now });
      })
      .catch(() => undefined) // the next minute brings another try
      .finally(() => this.#marking.delete(marking));
    this.#marking.add(marking);
  }
}

function expired(token: TokenRow, expiresAt: Millis): BerthError {
  return new BerthError(
    'unauthenticated',
    `The token \`${token.name}\` expired on ${new Date(expiresAt).toISOString()}.`,
    {
      hint: 'Make another one with a token that is still good, or ask an admin of the server.',
      details: { expired_at: expiresAt },
    },
  );
}
