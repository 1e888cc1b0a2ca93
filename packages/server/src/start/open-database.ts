import { existsSync } from 'node:fs';
import { BerthError } from '@berth/core/errors';
import type { Clock } from '@berth/core/ids';
import { type Store, StoreUnavailable } from '@berth/store';
import { openSqliteStore } from '@berth/store/sqlite';
import { machinesIn } from '@berth/store/sqlite-machines';
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
  refuseForgotten(home);
  // Its client is not loaded where there is no such database.
  const { openPostgresStore } = await import('@berth/store/postgres');
  try {
    return { store: await openPostgresStore({ url: database, ...options }), isNew: false, isShared: true };
  } catch (error) {
    throw refusedDatabase(error);
  }
}

/** Machines that only the home's own database knows would be strangers to another one, and its sweeps would end them. */
function refuseForgotten(home: Home): void {
  const machines = machinesIn(home.database);
  if (machines === 0) return;
  const held = machines === 1 ? 'a machine' : `${machines} machines`;
  throw new BerthError(
    'conflict',
    `The database of this home, ${home.database}, still holds ${held}, which the one that \`database\` names does not know of.`,
    {
      hint: 'Start once without `database`, give them back (`berth instance list`, `berth stop`, `berth instance delete`), then change over.',
    },
  );
}

/** The driver's own messages name no password; its stacks are no help to whoever wrote the address. */
export function refusedDatabase(error: unknown): unknown {
  const where = 'It is `database` in the config.yml of this home, or BERTH_DATABASE_URL.';
  if (error instanceof StoreUnavailable) {
    return new BerthError('unavailable', `${error.message.replace(/\.$/, '')}.`, { hint: where, cause: error });
  }
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ERR_INVALID_URL') {
    return new BerthError('invalid-configuration', 'The address of the database is no URL.', {
      hint: `${where} In its password write / as %2F, # as %23, ? as %3F, @ as %40 and % as %25.`,
      cause: error,
    });
  }
  // A certificate that the address names.
  if (error instanceof Error && 'path' in error) {
    return new BerthError('invalid-configuration', `The database cannot be opened: ${error.message}.`, { hint: where });
  }
  return error;
}
