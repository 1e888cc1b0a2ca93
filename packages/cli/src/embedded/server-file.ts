import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '../home.ts';

/** What the server writes once it listens. It may be stale: the server may have been killed since. */
export interface ServerFile {
  readonly pid: number;
  readonly url: string;
  readonly version: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** The process's start as the kernel counts it, which tells it from a later one of the same number; null where there is none. */
  readonly startTime: number | null;
}

export function readServerFile(home: Home): ServerFile | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(home.server, 'server.json'), 'utf8'));
    return isServerFile(parsed) ? parsed : null;
  } catch {
    return null; // none yet, or half of one
  }
}

function isServerFile(value: unknown): value is ServerFile {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, url, version, startedAt, startTime } = value as Partial<Record<keyof ServerFile, unknown>>; // fields are checked next
  return (
    Number.isInteger(pid) &&
    Number(pid) > 0 &&
    typeof url === 'string' &&
    URL.canParse(url) &&
    typeof version === 'string' &&
    typeof startedAt === 'number' &&
    (startTime === null || typeof startTime === 'number')
  );
}
