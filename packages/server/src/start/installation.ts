import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '@berth/core/errors';
import type { RandomBytes, ServerId } from '@berth/core/ids';
import type { Store } from '@berth/store';
import type { Home } from '../config/home.ts';

/**
 * What this installation is called in owner tags and in the logs of its agents. It must never change:
 * machines with another one are not ours.
 */
export function installationId(home: Home, random: RandomBytes): string {
  const path = join(home.common, 'installation');
  if (!existsSync(path)) {
    const beside = `${path}.${process.pid}`;
    writeFileSync(beside, `${Buffer.from(random(6)).toString('hex')}\n`, { mode: 0o600, flush: true });
    try {
      linkSync(beside, path);
    } catch (error) {
      if (!existsSync(path)) throw error;
    } finally {
      rmSync(beside, { force: true });
    }
  }
  return readFileSync(path, 'utf8').trim();
}

/** Its row stands among the leases: the one that nobody takes over. */
const CLAIM = 'installation';

/**
 * A database that several servers may share belongs to one installation: a server that looked for its
 * machines under another name would believe them all gone.
 * @throws BerthError `conflict` when the database is another installation's
 */
export async function claimDatabase(store: Store, installation: string, home: Home): Promise<void> {
  const owner = await store.transaction(async (tables) => {
    const found = await tables.leases.get(CLAIM);
    // Not a server's id, and never compared with one.
    const row = found ?? (await tables.leases.insert({ id: CLAIM, owner: installation as ServerId, token: 0 }));
    return row.owner;
  });
  if (owner === installation) return;
  const path = join(home.common, 'installation');
  throw new BerthError(
    'conflict',
    `The database belongs to the installation ${owner}, and ${path} names this one ${installation}.`,
    { hint: 'Servers of one database need one folder: name it as `shared` in the config.yml of each.' },
  );
}
