import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobId, Millis } from '@berth/core/ids';
import { replaceFile } from './durable-file.ts';
import type { AgentEvent } from './protocol.ts';

export type JobEnded = Extract<AgentEvent, { kind: 'job-ended' }>;

/**
 * What of a job is on disk, so that a restarted agent can go on or tell its end. Never its
 * environment, commands or passwords: they stay in memory, and in the container where there is one.
 */
export interface JobRecord {
  readonly version: 1;
  readonly job: JobId;
  readonly driver: 'process' | 'docker';
  /** A job that has not come to `starting` is forgotten by a restart: the server submits it again. */
  readonly state: 'preparing' | 'starting' | 'running' | 'ended';
  readonly process: { readonly pid: number; readonly startTime: string; readonly boot: string | null } | null;
  readonly container: { readonly id: string; readonly workingDir: string } | null;
  readonly started: { readonly at: Millis; readonly sinceBoot: number; readonly boot: string | null } | null;
  readonly maxDurationMs: number | null;
  readonly stopDurationMs: number;
  readonly artifacts: readonly string[];
  readonly gpuDevices: readonly string[];
  readonly ended: JobEnded | null;
}

const NAME = 'job.json';

export async function saveRecord(dir: string, record: JobRecord): Promise<void> {
  await replaceFile(join(dir, NAME), JSON.stringify(record));
}

/** Null: there is none that can be read; the directory is only a rest. */
export async function loadRecord(dir: string): Promise<JobRecord | null> {
  try {
    const record = JSON.parse(await readFile(join(dir, NAME), 'utf8')) as JobRecord; // our own writing
    return record.version === 1 ? record : null;
  } catch {
    return null;
  }
}
