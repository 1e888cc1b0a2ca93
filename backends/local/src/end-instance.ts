import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BackendError, type Logger } from '@berth/backend';
import type { Clock } from '@berth/core';
import { endProcess } from './agent-process.ts';
import { type InstanceRecord, type InstanceRecords, isReadable } from './instance-records.ts';
import { endLeftovers } from './leftovers.ts';
import { findAgent } from './process-identity.ts';
import { isRemovable } from './start-check.ts';

/** From SIGTERM to SIGKILL. The engine has stopped the jobs with their own grace before it gives a machine back. */
const AGENT_GRACE_MS = 2_000;

/** A killed process is gone at once, unless a driver or a network disk holds it; then the next try finds it. */
const AGENT_KILL_MS = 1_000;

export interface EndDeps {
  readonly records: InstanceRecords;
  readonly stateDir: string;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * Ends the machine: agent, what the agent left, directory, and last of all the record, so that a crash
 * at any point leaves something that can be terminated again. Ending what is not there is success.
 */
export async function endInstance(token: string, { records, stateDir, log, clock }: EndDeps): Promise<void> {
  const record = await records.read(token);
  if (record === null) return;
  if (!isReadable(record)) {
    log.warn(`The record of instance local-${token} could not be read; what it stood for may be left behind.`, {
      problem: record.problem,
    });
    return await records.end(token, clock.now());
  }
  if (!record.terminating) {
    await records.write({ ...record, terminating: true }).catch((error: unknown) => {
      // On a full disk too: ending instances is what frees it.
      log.warn(`That instance local-${token} is being terminated could not be written down.`, { error });
    });
  }
  const agent = await findAgent(record);
  if (agent !== null && !(await endProcess(agent, AGENT_GRACE_MS, AGENT_KILL_MS))) {
    throw new BackendError('unknown', `The agent of instance local-${token} (pid ${agent.pid}) does not end.`);
  }
  await endLeftovers(record);
  await removeDir(record, stateDir, log);
  await records.end(token, clock.now());
}

/** What jobs have elsewhere on this machine: an agent that was killed could not remove it. */
async function removeOutside(dir: string): Promise<void> {
  const jobs = await readdir(join(dir, 'jobs')).catch(() => []);
  if (jobs.length === 0) return;
  const { removeJobFiles } = await import('@berth/agent/job-files');
  for (const job of jobs) await removeJobFiles(job, join(dir, 'jobs', job));
}

async function removeDir(record: InstanceRecord, stateDir: string, log: Logger): Promise<void> {
  const { dir, token } = record;
  if (!isRemovable(dir, stateDir)) {
    log.warn(`The directory of instance local-${token} is not deleted: ${dir} is no directory of an instance.`);
    return;
  }
  try {
    await removeOutside(dir);
    await rm(dir, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  } catch (error) {
    // A container's root may own files that we may not delete. The machine is gone nonetheless.
    log.warn(`Something of instance local-${token} could not be deleted: ${dir}.`, { error });
  }
}
