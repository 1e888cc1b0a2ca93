import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Who serves a home at present, for the command line on the same machine. */
export interface ServerJson {
  readonly pid: number;
  readonly url: string;
  readonly version: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** Field 22 of `/proc/PID/stat`, where there is one: another process with the same number has another. */
  readonly startTime: number | null;
}

export function writeServerJson(path: string, content: Omit<ServerJson, 'pid' | 'startTime'>): void {
  const whole: ServerJson = { pid: process.pid, ...content, startTime: processStartTime() };
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, `${JSON.stringify(whole)}\n`, { mode: 0o600, flush: true });
  renameSync(beside, path);
}

/** Another server may have taken over meanwhile; its file stays. */
export function removeServerJson(path: string): void {
  try {
    const { pid } = JSON.parse(readFileSync(path, 'utf8')) as { pid?: unknown };
    if (pid === process.pid) rmSync(path, { force: true });
  } catch {
    // It is gone, or not ours to judge.
  }
}

function processStartTime(): number | null {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const time = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    return Number.isFinite(time) ? time : null;
  } catch {
    return null; // not on this system
  }
}
