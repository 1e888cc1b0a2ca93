/**
 * One life of a simulated server. When it ends, everything that it has under way stops at the next
 * thing that comes from outside: an answer that arrives afterwards reaches nobody.
 */
import type { Commit, Store, Tables } from '@berth/store';
import { isWrite, tapTables } from './tap.ts';

/** Where a life ends, counted from now in transactions that write something, from 1. */
export type Death =
  /** What was about to be written is not. */
  | { readonly before: number }
  /** It is written, but the server does not hear of it any more. */
  | { readonly after: number };

export class Life {
  alive = true;
  /** Transactions so far, and those that wrote something. */
  transactions = 0;
  commits = 0;
  #death: { readonly when: 'before' | 'after'; readonly commit: number } | null = null;

  /** It will end there. */
  doom(death: Death): void {
    this.#death =
      'before' in death
        ? { when: 'before', commit: this.commits + death.before }
        : { when: 'after', commit: this.commits + death.after };
  }

  end(): void {
    this.alive = false;
  }

  /** The outcome, if there is still somebody to hear of it. */
  pass<T>(outcome: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      outcome.then(
        (value) => this.alive && resolve(value),
        (error: unknown) => this.alive && reject(error),
      );
    });
  }

  /** The store as this life sees it. */
  over(store: Store): Store {
    return {
      read: tapTables(store.read, (_, proceed) => this.pass(proceed())),
      transaction: (work) => this.pass(this.#transaction(store, work)),
      onCommit: (listener) => store.onCommit((changes) => this.alive && listener(changes)),
      onAnnouncement: (listener) => store.onAnnouncement((message) => this.alive && listener(message)),
      announce: (message) => this.alive && store.announce(message),
      close: () => store.close(),
    };
  }

  async #transaction<T>(store: Store, work: (tables: Tables, commit: Commit) => Promise<T>): Promise<T> {
    let wrote = false;
    const result = await store.transaction(async (tables, commit) => {
      this.#mustLive();
      this.transactions += 1;
      const tapped = tapTables(tables, (call, proceed) => {
        wrote ||= isWrite(call);
        return proceed();
      });
      const worked = await work(tapped, commit);
      if (wrote) this.#meet('before', ++this.commits);
      this.#mustLive();
      return worked;
    });
    if (wrote) this.#meet('after', this.commits);
    return result;
  }

  #meet(when: 'before' | 'after', commit: number): void {
    if (this.#death?.when === when && this.#death.commit === commit) this.end();
  }

  #mustLive(): void {
    if (!this.alive) throw new Error('This server has died.');
  }
}
