/** Tells when runs have come so far, by the books and not by what the engine says. */
import type { RunId } from '@berth/core';
import type { Store } from '@berth/store';

export type Mark = 'running' | 'finished';

/** Runs that have changed are looked up together: each by itself would cost as much as what is measured. */
const LOOK_EVERY_MS = 5;

interface Waiter {
  readonly mark: Mark;
  readonly resolve: (at: number) => void;
}

export class RunWatch {
  readonly #store: Store;
  readonly #waiting = new Map<RunId, Waiter>();
  readonly #changed = new Map<RunId, number>();
  readonly #leave: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(store: Store) {
    this.#store = store;
    this.#leave = store.onCommit((changes) => {
      const now = performance.now();
      for (const { table, id } of changes) if (table === 'runs') this.#noteChange(id as RunId, now);
    });
  }

  reached(run: RunId, mark: Mark): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#waiting.set(run, { mark, resolve });
    // It may have come so far already.
    this.#noteChange(run, performance.now());
    return promise;
  }

  stop(): void {
    this.#leave();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #noteChange(run: RunId, at: number): void {
    if (!this.#waiting.has(run)) return;
    this.#changed.set(run, at);
    this.#timer ??= setTimeout(() => void this.#look(), LOOK_EVERY_MS);
  }

  async #look(): Promise<void> {
    const changed = new Map(this.#changed);
    this.#changed.clear();
    this.#timer = null;
    const runs = await this.#store.read.runs.find({ where: { id: { in: [...changed.keys()] } } });
    for (const run of runs) {
      const waiter = this.#waiting.get(run.id);
      const there = waiter?.mark === 'finished' ? run.finishedAt !== null : run.status === 'running';
      if (waiter === undefined || !there) continue;
      this.#waiting.delete(run.id);
      waiter.resolve(changed.get(run.id) ?? performance.now());
    }
  }
}
