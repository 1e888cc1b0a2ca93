import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '@berth/core/errors';
import { type DatabaseLock, lockDatabase } from '@berth/store/database-lock';
import type { Home } from '../config/home.ts';
import { systemClock } from './system-clock.ts';

/** The one before may be about to end. */
const PATIENCE_MS = 2_000;

/** @throws BerthError `conflict` when another server has this home */
export async function takeHomeLock(home: Home): Promise<DatabaseLock> {
  const until = systemClock.now() + PATIENCE_MS;
  for (;;) {
    try {
      return lockDatabase(home.server, systemClock);
    } catch (error) {
      if (!(error instanceof BerthError && error.code === 'conflict') || systemClock.now() > until) throw error;
      await sleep(50);
    }
  }
}
