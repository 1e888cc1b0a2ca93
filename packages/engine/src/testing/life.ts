/**
 * One life of a simulated server. When it ends, everything that it has under way stops at the next
 * thing that comes from outside: an answer that arrives afterwards reaches nobody.
 */
import { type Commit, type Store, StoreUnavailable, type Tables } from '@berth/store';
import type { AgentHandlers } from '../ports.ts';
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
  /** Cut off from the store; what is announced meanwhile is missed. */
  #cutOff = false;
  /** While it is stopped (SIGSTOP): what comes to it then. */
  #unheard: (() => void)[] | null = null;
  readonly #missed = new Set<() => void>();
  readonly #ears = new WeakSet<AgentHandlers>();
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

  /** As SIGSTOP. */
  pause(): void {
    this.#unheard ??= [];
  }

  /** As SIGCONT: everything that has come meanwhile comes now. */
  resume(): void {
    const unheard = this.#unheard ?? [];
    this.#unheard = null;
    for (const hear of unheard) hear();
  }

  /** It can do something now. */
  get acts(): boolean {
    return this.alive && this.#unheard === null;
  }

  /** The store does not answer any more, or does again. */
  cutOff(isCutOff: boolean): void {
    const isBack = this.#cutOff && !isCutOff;
    this.#cutOff = isCutOff;
    if (isBack) for (const missed of this.#missed) this.hear(missed);
  }

  /** Something comes from outside: now, when the server goes on, or to nobody. */
  hear(what: () => void): void {
    if (!this.alive) return;
    if (this.#unheard === null) what();
    else this.#unheard.push(what);
  }

  /** The outcome, if there is still somebody to hear of it. */
  pass<T>(outcome: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      outcome.then(
        (value) => this.hear(() => resolve(value)),
        (error: unknown) => this.hear(() => reject(error)),
      );
    });
  }

  /** What an agent says to this life. */
  ears(handlers: AgentHandlers): AgentHandlers {
    const ears: AgentHandlers = {
      report: (...report) =>
        new Promise((resolve, reject) => {
          this.hear(() => void handlers.report(...report).then(resolve, reject));
        }),
      closed: (reason) => this.hear(() => handlers.closed(reason)),
    };
    this.#ears.add(ears);
    return ears;
  }

  listens(handlers: AgentHandlers): boolean {
    return this.#ears.has(handlers);
  }

  /** The store as this life sees it. */
  over(store: Store): Store {
    return {
      read: tapTables(store.read, (_, proceed) => this.pass(this.#reach(proceed))),
      transaction: (work) => this.pass(this.#reach(() => this.#transaction(store, work))),
      onCommit: (listener) => store.onCommit((changes) => this.hear(() => listener(changes))),
      onAnnouncement: (listener, onMissed) => {
        if (onMissed !== undefined) this.#missed.add(onMissed);
        return store.onAnnouncement((message) => {
          if (!this.#cutOff) this.hear(() => listener(message));
        });
      },
      announce: (message) => {
        if (this.alive && !this.#cutOff) store.announce(message);
      },
      close: () => store.close(),
    };
  }

  #reach<T>(ask: () => Promise<T>): Promise<T> {
    return this.#cutOff ? Promise.reject(new StoreUnavailable('other', 'The store cannot be reached.')) : ask();
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
