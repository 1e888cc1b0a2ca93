import { readFileSync } from 'node:fs';
import type { ServerFile } from './server-file.ts';

/**
 * Whether the process that wrote the file still lives. A process that merely has its number now, after
 * a reboot for example, began at another time.
 */
export function isServerProcess(file: ServerFile, startOf = processStart): boolean {
  if (!isAlive(file.pid)) return false;
  const start = startOf(file.pid);
  // Where the system does not tell, that it lives has to do.
  return start === null || file.startTime === null || start === file.startTime;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // It lives, but is another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  // Dead, but its parent has not taken note (in a container without an init nobody ever does).
  return statFields(pid)?.[0] !== 'Z';
}

/** What it was told to listen on; null when it was told nothing, or the system does not say. */
export function hostOption(pid: number): string | null {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const at = words.indexOf('--host');
    return at < 0 ? null : (words[at + 1] ?? null);
  } catch {
    return null;
  }
}

/** Clock ticks from the boot of the machine to the start of the process; null where there is no `/proc`. */
function processStart(pid: number): number | null {
  const ticks = Number(statFields(pid)?.[19]);
  return Number.isFinite(ticks) ? ticks : null;
}

/** The fields of `/proc/PID/stat` from the third (the state) on: the second, the name, may hold anything. */
function statFields(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
