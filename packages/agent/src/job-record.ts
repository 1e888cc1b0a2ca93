import { readFile, rm, stat, writeFile } from 'node:fs/promises';
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
  /** How far it had come; whether it had been started is told by `isUnstarted`. */
  readonly state: 'preparing' | 'starting' | 'running' | 'ended';
  readonly process: { readonly pid: number; readonly startTime: string; readonly boot: string | null } | null;
  readonly container: { readonly id: string; readonly workingDir: string } | null;
  readonly started: { readonly at: Millis; readonly sinceBoot: number; readonly boot: string | null } | null;
  readonly maxDurationMs: number | null;
  readonly stopDurationMs: number;
  readonly artifacts: readonly string[];
  readonly gpuDevices: readonly string[];
  /** Its process has ended, and artifacts are still to be collected from `workingDir`. */
  readonly exited?: Pick<JobEnded, 'reason' | 'message' | 'exitStatus' | 'signal'> & { readonly workingDir: string };
  readonly ended: JobEnded | null;
}

const NAME = 'job.json';

export async function saveRecord(dir: string, record: JobRecord): Promise<void> {
  await replaceFile(join(dir, NAME), JSON.stringify(record));
}

/**
 * Says of a job's directory that the job was not started yet. A file that is removed right before the
 * start, and not a word in the record: a full disk keeps a record from being written, never a file from
 * being removed.
 */
const UNSTARTED = 'unstarted';

/** Where the disk refuses, the job counts as started if the agent dies: lost, but never run twice. */
export async function markUnstarted(dir: string): Promise<void> {
  await writeFile(join(dir, UNSTARTED), '', { mode: 0o600 }).catch(() => undefined);
}

export async function unmarkUnstarted(dir: string): Promise<void> {
  await rm(join(dir, UNSTARTED), { force: true });
}

export async function isUnstarted(dir: string): Promise<boolean> {
  return await stat(join(dir, UNSTARTED)).then(
    () => true,
    () => false,
  );
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
