import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { ServerFile } from './server-file.ts';

/** A server that starts slowly writes `server.json` this long after its process began, at most. */
const LONGEST_START_MS = 120_000;
/** Clock ticks are 10 ms, the boot time is rounded to a second, and clocks are corrected. */
const TOLERANCE_MS = 5_000;
/** `USER_HZ`, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/**
 * Whether the process that wrote the file still lives. A process that merely has its number now, after
 * a reboot for example, began at another time.
 */
export function isServerProcess(file: ServerFile, startOf = processStart): boolean {
  if (!isAlive(file.pid)) return false;
  const start = startOf(file.pid);
  if (start === null) return true; // it lives, and no more can be known
  return start <= file.startedAt + TOLERANCE_MS && start >= file.startedAt - LONGEST_START_MS;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    // It lives, but is another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Dead, but its parent has not taken note yet (a container without an init never does). */
function isZombie(pid: number): boolean {
  return statFields(pid)?.[0] === 'Z';
}

/** When a process began, in milliseconds since the Unix epoch; null when this system does not tell. */
export function processStart(pid: number): number | null {
  try {
    if (process.platform !== 'linux') {
      const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env: { LC_ALL: 'C' } });
      const time = Date.parse(text.trim());
      return Number.isNaN(time) ? null : time;
    }
    const ticks = Number(statFields(pid)?.[19]);
    const boot = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1];
    if (!Number.isFinite(ticks) || boot === undefined) return null;
    return Number(boot) * 1000 + (ticks * 1000) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
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
