import { readdir, readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackendError } from '@berth/backend';
import { z } from 'zod';
import { sessionOf, signalQuietly } from './process-identity.ts';

/** A process that is killed may have just made another one; nothing that is not hostile does that five times. */
const ROUNDS = 5;
const BETWEEN_ROUNDS_MS = 20;

/** An engine answers in some 5 ms; a `DELETE` waits until the container's processes are dead. */
const ENGINE_TIMEOUT_MS = 2_500;

const Containers = z.array(z.object({ Id: z.string().regex(/^[0-9a-f]+$/) }));

/**
 * Ends what an agent that was killed, or died before, could not end itself: processes of its jobs and
 * containers with the instance's label.
 * Throws `BackendError` `unknown` when something may still be there.
 */
export async function endLeftovers(of: { readonly dir: string; readonly instance: string }): Promise<void> {
  await Promise.all([killProcesses(of.dir), removeContainers(of.instance)]);
}

async function killProcesses(dir: string): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const pids = await jobProcesses(dir);
    if (pids.length === 0) return;
    for (const pid of pids) signalQuietly(pid, 'SIGKILL');
    await sleep(BETWEEN_ROUNDS_MS);
  }
  const left = await jobProcesses(dir);
  if (left.length > 0) throw new BackendError('unknown', `Processes of jobs do not end: ${left.join(', ')}.`);
}

/**
 * Processes whose environment names one of the instance's jobs, or a place in its directory, and all
 * that share a session with them. A process of a job inherits such variables, and nobody else has
 * them: a person's shell that only stands in the directory is left alone. Without /proc there is no
 * such list, and the agent's own care has to do.
 */
async function jobProcesses(dir: string): Promise<readonly number[]> {
  if (platform() !== 'linux') return [];
  const jobs = new Set(await readdir(join(dir, 'jobs')).catch(() => []));
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(
    names.map(async (pid) => ({
      pid: Number(pid),
      session: await sessionOf(pid),
      isOfJob: await isOfJob(pid, dir, jobs),
    })),
  );
  const own = await sessionOf(process.pid);
  const sessions = new Set(all.filter((entry) => entry.isOfJob).map((entry) => entry.session));
  sessions.delete(null);
  sessions.delete(own);
  return all
    .filter(({ pid, session, isOfJob }) => pid !== process.pid && (isOfJob || sessions.has(session)))
    .map(({ pid }) => pid);
}

async function isOfJob(pid: string, dir: string, jobs: ReadonlySet<string>): Promise<boolean> {
  // Empty for the dead that nobody has waited for yet; unreadable for other users' processes.
  const environ = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return environ.split('\0').some((entry) => {
    const [, name, value] = /^(?:BERTH|DSTACK)_(\w+)=(.*)$/s.exec(entry) ?? [];
    if (value === undefined) return false;
    return value.startsWith(`${dir}/`) || (name === 'JOB_ID' && jobs.has(value));
  });
}

async function removeContainers(instance: string): Promise<void> {
  // Loaded late: a machine whose instances are never terminated, or that has no engine, needs none of it.
  const { DockerAway, DockerClient, DockerError, dockerSocketPath } = await import('@berth/agent/docker-client');
  const { LABEL_INSTANCE } = await import('@berth/agent/container-spec');
  const docker = new DockerClient(dockerSocketPath(process.env));
  try {
    const filters = JSON.stringify({ label: [`${LABEL_INSTANCE}=${instance}`] });
    const answer = await docker.json('/containers/json', {
      query: { all: true, filters },
      timeoutMs: ENGINE_TIMEOUT_MS,
    });
    for (const { Id } of Containers.parse(answer)) {
      const query = { force: true, v: true };
      await docker
        .json(`/containers/${Id}`, { method: 'DELETE', query, timeoutMs: ENGINE_TIMEOUT_MS })
        .catch((error) => {
          // 404: it is gone. 409: somebody else is removing it.
          if (!(error instanceof DockerError && (error.status === 404 || error.status === 409))) throw error;
        });
    }
  } catch (error) {
    if (error instanceof DockerAway && hasNoEngine(error.cause)) return;
    const message = error instanceof Error ? error.message : String(error);
    throw new BackendError('unknown', `Containers of the instance may be left: ${message}`, { cause: error });
  }
}

/** Nobody listens, or not to us: then it was not we who made containers. */
function hasNoEngine(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && ['ENOENT', 'ECONNREFUSED', 'EACCES'].includes(String(cause.code));
}
