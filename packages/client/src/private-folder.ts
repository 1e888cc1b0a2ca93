import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { BerthError } from '@berth/core/errors';
import { describeSystemError, isSystemError, reasonOf } from './system-error.ts';

/**
 * Makes a folder of Berth's own and those above it that are missing; only their owner may look into
 * them. Node's recursive mkdir is not used: it spins for ever below a folder that denies its children,
 * such as /proc.
 * @throws BerthError `unavailable`
 */
export function makePrivateFolder(path: string): void {
  const missing: string[] = [];
  try {
    for (let at = path; !isThere(at); at = dirname(at)) missing.push(at);
    for (const at of missing.reverse()) makeUnlessThere(at);
    if (!statSync(path).isDirectory()) throw new Error(`${path} is no folder`);
  } catch (cause) {
    const why = isSystemError(cause) ? describeSystemError(cause) : reasonOf(cause);
    throw new BerthError('unavailable', `The folder ${path} cannot be made: ${why}`, {
      hint: 'Set BERTH_HOME to a folder that you may write.',
      cause,
    });
  }
}

function makeUnlessThere(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!isThere(path)) throw error; // somebody else may have been faster
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
