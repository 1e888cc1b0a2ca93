import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateFolder } from '@berth/client/private-folder';
import type { Home } from '../home.ts';
import { isAlive } from './server-process.ts';

/** Longer than any start may take: whoever holds the lock then has been stopped or hangs. */
const STALE_MS = 60_000;

/** Held by the command that starts the embedded server, so that two commands start one. */
export interface StartLock {
  release(): void;
}

/** Null while another command holds it. A lock that was left behind is taken over. */
export function tryStartLock(home: Home): StartLock | null {
  makePrivateFolder(home.server);
  const path = join(home.server, 'start.lock');
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx', mode: 0o600 });
    return { release: () => rmSync(path, { force: true }) };
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error;
  }
  if (isStale(path)) rmSync(path, { force: true });
  return null;
}

function isStale(path: string): boolean {
  try {
    const age = Date.now() - statSync(path).mtimeMs;
    const holder = Number(readFileSync(path, 'utf8'));
    // Just made, its holder's number is not written yet.
    return age > STALE_MS || (age > 1000 && !(holder > 0)) || (holder > 0 && !isAlive(holder));
  } catch {
    return false; // released meanwhile
  }
}
