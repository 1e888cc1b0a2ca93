import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that cannot be mistaken for a later one with its number. */
export interface ProcessId {
  readonly pid: number;
  /** In clock ticks since the computer was booted. */
  readonly startTicks: number;
}

/** Null: there is no such process, or it is dead and only waits to be collected. */
export function startTicksOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; after it come state (field 3) and the others. Start time is field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : Number(fields[19]);
  } catch {
    return null;
  }
}

export function isAlive(process: ProcessId): boolean {
  return startTicksOf(process.pid) === process.startTicks;
}

/** Numbers of the living processes whose environment has `name=value`. */
export function processesWith(name: string, value: string): number[] {
  const wanted = `\0${name}=${value}\0`;
  const found: number[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (`\0${readFileSync(`/proc/${entry}/environ`, 'latin1')}\0`.includes(wanted)) found.push(Number(entry));
    } catch {
      // It ended meanwhile, or belongs to somebody else.
    }
  }
  return found;
}

/** Ends all of them: first asked, after `graceMs` made to, and again until none is left that another had started meanwhile. */
export async function endProcessesWith(name: string, value: string, graceMs: number): Promise<void> {
  const askedAt = performance.now();
  let signal: 'SIGTERM' | 'SIGKILL' | 0 = 'SIGTERM';
  for (;;) {
    const left = processesWith(name, value);
    if (left.length === 0) return;
    for (const pid of left) {
      try {
        if (signal !== 0) process.kill(pid, signal);
      } catch {
        // It ended by itself.
      }
    }
    await sleep(10);
    signal = performance.now() - askedAt >= graceMs ? 'SIGKILL' : 0;
  }
}
