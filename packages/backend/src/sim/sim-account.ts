import { ApiError } from './api-error.ts';
import type { SimTime } from './sim-clock.ts';

/** Who pays, and with which keys. */
export interface SimAccount {
  readonly id: string;
  /** Machines that it may have at a time. */
  quota: number;
}

interface Key {
  readonly account: SimAccount;
  /** Time of the cloud; null: never. */
  expiresAt: number | null;
}

/** Accounts with keys that expire, or lose their rights for a while. */
export class SimAccounts {
  readonly #time: SimTime;
  readonly #keys = new Map<string, Key>();
  #lockedUntil = Number.NEGATIVE_INFINITY;

  constructor(time: SimTime) {
    this.#time = time;
  }

  add(id: string, key: string, quota = Number.POSITIVE_INFINITY): SimAccount {
    const account = this.#account(id) ?? { id, quota };
    this.#keys.set(key, { account, expiresAt: null });
    return account;
  }

  expire(key: string, afterMs = 0): void {
    const found = this.#keys.get(key);
    if (found !== undefined) found.expiresAt = this.#time.now() + afterMs;
  }

  /** No key has any right for so long. */
  loseRights(forMs: number): void {
    this.#lockedUntil = this.#time.now() + forMs;
  }

  restore(): void {
    this.#lockedUntil = Number.NEGATIVE_INFINITY;
    for (const key of this.#keys.values()) key.expiresAt = null;
  }

  /** @throws ApiError unless the key is one, is valid, and has its rights */
  of(key: string): SimAccount {
    const found = this.#keys.get(key);
    const now = this.#time.now();
    if (found === undefined) throw new ApiError('unauthorized', 'the key is not known');
    if (found.expiresAt !== null && now >= found.expiresAt) throw new ApiError('unauthorized', 'the key has expired');
    if (now < this.#lockedUntil) throw new ApiError('forbidden', 'the account may not do this at present');
    return found.account;
  }

  #account(id: string): SimAccount | undefined {
    for (const { account } of this.#keys.values()) if (account.id === id) return account;
    return undefined;
  }
}
