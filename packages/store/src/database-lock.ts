/**
 * An SQLite database is for one server. The lock is an SQLite lock on a file of its own: the
 * operating system lets it go when its process dies, however it dies, so it is never stale.
 * Who holds it stands in a file beside it. (Never open `server.lock` with anything but SQLite in the
 * process that holds it: closing it would drop the lock, POSIX locks belong to the process.)
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { BerthError, type Clock, type Millis } from '@berth/core';
import { createPrivateFile } from './sqlite-connection.ts';
import { isBusy, openError } from './sqlite-errors.ts';

export interface LockOwner {
  readonly pid: number;
  readonly startedAt: Millis;
}

export interface DatabaseLock {
  release(): void;
}

const LOCK = 'server.lock';
const OWNER = 'server.pid';

/**
 * Takes the lock of the databases in `directory`, which is made (0700) when missing.
 * @throws BerthError `conflict` when another live process holds it; `details.owner` says which.
 */
export function lockDatabase(directory: string, clock: Clock): DatabaseLock {
  const db = takeLock(join(directory, LOCK));
  if (!db) throw heldBy(directory, waitForOwner(directory));
  const file = join(directory, OWNER);
  const owner: LockOwner = { pid: process.pid, startedAt: clock.now() };
  try {
    // Renamed into place, so that nobody reads half of it.
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(owner), { mode: 0o600 });
    renameSync(draft, file);
  } catch {
    // A full disk must not keep a server from starting; the lock holds, only its name is missing.
    rmSync(file, { force: true });
  }
  return {
    release() {
      if (!db.isOpen) return;
      rmSync(file, { force: true });
      db.close();
    },
  };
}

/** Who holds the lock as written there, without taking it; null when nobody says so or that process is gone. */
export function databaseOwner(directory: string): LockOwner | null {
  try {
    const owner: unknown = JSON.parse(readFileSync(join(directory, OWNER), 'utf8'));
    if (typeof owner !== 'object' || owner === null || !('pid' in owner) || !('startedAt' in owner)) return null;
    if (typeof owner.pid !== 'number' || typeof owner.startedAt !== 'number' || !isAlive(owner.pid)) return null;
    return { pid: owner.pid, startedAt: owner.startedAt };
  } catch {
    return null;
  }
}

/** Who has just taken the lock writes its name a moment later. */
function waitForOwner(directory: string): LockOwner | null {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  for (let attempt = 0; attempt < 20; attempt++) {
    const owner = databaseOwner(directory);
    if (owner) return owner;
    Atomics.wait(flag, 0, 0, 10);
  }
  return null;
}

/** Null when somebody else has it. */
function takeLock(path: string): DatabaseSync | null {
  let db: DatabaseSync | undefined;
  try {
    createPrivateFile(path);
    // No time-out: one who holds it does so for as long as it lives.
    db = new DatabaseSync(path, { timeout: 0 });
    // IMMEDIATE takes one lock in one step, so one of several wins. EXCLUSIVE takes it in two, and
    // those who come at the same moment can turn each other away until nobody has it.
    db.exec('BEGIN IMMEDIATE');
    return db;
  } catch (error) {
    db?.close();
    if (isBusy(error)) return null;
    throw openError(error, path);
  }
}

function heldBy(directory: string, owner: LockOwner | null): BerthError {
  const who = owner
    ? `process ${owner.pid}, started ${new Date(owner.startedAt).toISOString()}`
    : 'a process that has not written its number';
  return new BerthError('conflict', `the database in ${directory} is in use by another Berth server (${who})`, {
    hint: 'One server works on an SQLite database: stop that one first, or set BERTH_HOME to another directory.',
    details: { directory, owner },
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, but belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
