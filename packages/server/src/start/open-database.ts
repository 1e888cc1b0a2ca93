import { existsSync } from 'node:fs';
import type { Clock } from '@berth/core/ids';
import type { Store } from '@berth/store';
import { openSqliteStore } from '@berth/store/sqlite';
import type { Home } from '../config/home.ts';
import type { Places } from '../config/places.ts';

export interface Database {
  readonly store: Store;
  /** It was made just now, so nothing in it can be sealed with a lost key. */
  readonly isNew: boolean;
  /** Other servers may work on it. */
  readonly isShared: boolean;
}

/** @throws BerthError or StoreUnavailable when it cannot be used */
export async function openDatabase(
  home: Home,
  { database }: Places,
  options: { readonly clock: Clock; readonly onListenerError: (error: unknown) => void },
): Promise<Database> {
  if (database === null) {
    const isNew = !existsSync(home.database);
    return { store: openSqliteStore({ path: home.database, ...options }), isNew, isShared: false };
  }
  // Its client is not loaded where there is no such database.
  const { openPostgresStore } = await import('@berth/store/postgres');
  return { store: await openPostgresStore({ url: database, ...options }), isNew: false, isShared: true };
}
