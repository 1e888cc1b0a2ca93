import type { JobId, RunId } from '@berth/core/ids';
import type { RowChange, Store } from '@berth/store';

/** Whose run a job is never changes; this many are remembered. */
const REMEMBERED_JOBS = 10_000;

/** Tells who watches a run that it, or one of its jobs, was changed. One listener at the store for all watchers. */
export class RunChanges {
  readonly #store: Store;
  readonly #watchers = new Map<RunId, Set<() => void>>();
  readonly #runOfJob = new Map<JobId, RunId>();
  readonly #stopListening: () => void;

  constructor(store: Store) {
    this.#store = store;
    this.#stopListening = store.onCommit(
      (changes) => {
        if (this.#watchers.size > 0) void this.#tell(changes);
      },
      () => this.#notify(new Set(this.#watchers.keys())),
    );
  }

  /** Returns the way to stop watching. */
  watch(run: RunId, changed: () => void): () => void {
    const watchers = this.#watchers.get(run) ?? new Set();
    this.#watchers.set(run, watchers);
    watchers.add(changed);
    return () => {
      watchers.delete(changed);
      if (watchers.size === 0 && this.#watchers.get(run) === watchers) this.#watchers.delete(run);
    };
  }

  close(): void {
    this.#stopListening();
  }

  async #tell(changes: readonly RowChange[]): Promise<void> {
    const concerned = new Set<RunId>();
    const unknown: JobId[] = [];
    for (const { table, id } of changes) {
      // Rows of these tables have ids of these kinds.
      if (table === 'runs') concerned.add(id as RunId);
      else if (table === 'jobs') {
        const run = this.#runOfJob.get(id as JobId);
        if (run === undefined) unknown.push(id as JobId);
        else concerned.add(run);
      }
    }
    this.#notify(concerned);
    if (unknown.length === 0) return;
    try {
      const jobs = await this.#store.read.jobs.find({ where: { id: { in: unknown } } });
      if (this.#runOfJob.size > REMEMBERED_JOBS) this.#runOfJob.clear();
      for (const { id, runId } of jobs) this.#runOfJob.set(id, runId);
      this.#notify(new Set(jobs.map(({ runId }) => runId)));
    } catch {
      // Rather once too often than once too seldom: every watcher looks for itself.
      this.#notify(new Set(this.#watchers.keys()));
    }
  }

  #notify(runs: ReadonlySet<RunId>): void {
    for (const run of runs) for (const changed of this.#watchers.get(run) ?? []) changed();
  }
}
