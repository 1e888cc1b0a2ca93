import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The processes of this machine, as far as the agent must know them. */

export interface ProcessEntry {
  readonly pid: number;
  readonly group: number;
  /** On a system without /proc the group stands in for it. */
  readonly session: number;
  /** With the pid it names one process: pids are used again. */
  readonly startTime: string;
  /** CPU time of the process and of the children that it has waited for. */
  readonly cpuMs: number;
}

/** Clock ticks per second in /proc: 100 on every Linux that Node is built for. */
const TICK_MS = 10;

/** All processes at this moment. Synchronous: a process that is to be killed must not slip away in between. */
export function listProcesses(): readonly ProcessEntry[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return listByPs();
  }
  return names.flatMap((name) => (/^\d+$/.test(name) ? (readEntry(Number(name)) ?? []) : []));
}

/** Null: there is no such process. */
export function findProcess(pid: number): ProcessEntry | null {
  return process.platform === 'linux' ? readEntry(pid) : (listByPs().find((entry) => entry.pid === pid) ?? null);
}

/** Signals every process of the session that `leader` began, also of groups made within it. */
export function signalSession(leader: number, signal: NodeJS.Signals): void {
  signalQuietly(-leader, signal);
  for (const entry of listProcesses()) {
    if (entry.session === leader && entry.group !== leader) signalQuietly(entry.pid, signal);
  }
}

/** In the environment of every process of a job. It stays with those that leave the job's session, as daemons do. */
export const JOB_MARK = 'BERTH_JOB_ID';

/** A program that makes processes faster than they are found is not waited for for ever. */
const KILL_ROUNDS = 50;
const KILL_PAUSE_MS = 10;

/**
 * Kills what is left of a job: the session that `leader` began (null: it is not known), and what has
 * left it but not the job's environment. Resolves when nothing is left, or it does not get less.
 */
export async function killJob(job: string, leader: number | null): Promise<void> {
  for (let round = 0; round < KILL_ROUNDS; round++) {
    if (leader !== null) signalSession(leader, 'SIGKILL');
    const escaped = listProcesses().filter((entry) => entry.pid !== process.pid && isMarked(entry.pid, job));
    if (escaped.length === 0) return;
    for (const entry of escaped) signalQuietly(entry.pid, 'SIGKILL');
    await sleep(KILL_PAUSE_MS);
  }
}

function isMarked(pid: number, job: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`.includes(`\0${JOB_MARK}=${job}\0`);
  } catch {
    return false; // gone, or another user's, which a job's is not
  }
}

/** CPU time and memory of a session's living processes. */
export function measureSession(
  leader: number,
  processes: readonly ProcessEntry[],
): { cpuMs: number; memoryBytes: number } {
  const members = processes.filter((entry) => entry.session === leader);
  return {
    cpuMs: members.reduce((sum, entry) => sum + entry.cpuMs, 0),
    memoryBytes: members.reduce((sum, entry) => sum + residentBytes(entry.pid), 0),
  };
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

function readEntry(pid: number): ProcessEntry | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // proc(5): the name in parentheses may hold anything; state, ppid, pgrp, session … follow it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const number = (field: number): number => Number(fields[field - 3] ?? 0);
  if (fields[0] === 'Z' || fields[0] === 'X') return null; // dead, only not yet waited for
  return {
    pid,
    group: number(5),
    session: number(6),
    startTime: fields[22 - 3] ?? '',
    cpuMs: (number(14) + number(15) + number(16) + number(17)) * TICK_MS,
  };
}

function residentBytes(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function listByPs(): readonly ProcessEntry[] {
  try {
    const table = execFileSync('ps', ['-axo', 'pid=,pgid=,lstart='], { encoding: 'utf8', timeout: 5_000 });
    return table.split('\n').flatMap((line) => {
      const match = /^\s*(\d+)\s+(\d+)\s+(.+?)\s*$/.exec(line);
      if (match === null) return [];
      const group = Number(match[2]);
      return [{ pid: Number(match[1]), group, session: group, startTime: match[3] ?? '', cpuMs: 0 }];
    });
  } catch {
    return [];
  }
}
