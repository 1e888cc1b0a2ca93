import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProcess } from './process-table.ts';

interface Holder {
  readonly pid: number;
  readonly startTime: string;
}

/** One agent to a directory. The lock names its holder, so that a dead agent's lock holds nobody up. */
export class DirectoryLock {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Null: another living agent has it; `holder` of the error message is its pid. */
  static acquire(dir: string): DirectoryLock | { readonly heldBy: number } {
    const path = join(dir, 'agent.pid');
    const mine = `${path}.${process.pid}`;
    const self: Holder = { pid: process.pid, startTime: findProcess(process.pid)?.startTime ?? '' };
    writeFileSync(mine, JSON.stringify(self), { mode: 0o600 });
    try {
      for (;;) {
        try {
          linkSync(mine, path); // fails if it is there: the one atomic step
          return new DirectoryLock(path);
        } catch (error) {
          const holder = readHolder(path);
          if (holder !== null && isAlive(holder)) return { heldBy: holder.pid };
          if (holder === null && !isExisting(error)) throw error;
          discardStale(path, holder);
        }
      }
    } finally {
      rmSync(mine, { force: true });
    }
  }

  release(): void {
    rmSync(this.#path, { force: true });
  }
}

/** Two agents may find the same dead lock; the one that comes second must not remove the first one's new lock. */
function discardStale(path: string, stale: Holder | null): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return; // the other was faster
  }
  const moved = readHolder(aside);
  if (moved !== null && moved.pid !== stale?.pid && isAlive(moved)) {
    try {
      linkSync(aside, path);
    } catch {
      // A third one has it by now.
    }
  }
  rmSync(aside, { force: true });
}

function isAlive(holder: Holder): boolean {
  return findProcess(holder.pid)?.startTime === holder.startTime;
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

function readHolder(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder; // our own writing; a torn one does not parse
  } catch {
    return null;
  }
}
