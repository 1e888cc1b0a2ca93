import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RandomBytes } from '@berth/core/ids';
import type { Home } from '../config/home.ts';

/**
 * What this installation is called in owner tags and in the logs of its agents. It must never change:
 * machines with another one are not ours.
 */
export function installationId(home: Home, random: RandomBytes): string {
  const path = join(home.server, 'installation');
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
