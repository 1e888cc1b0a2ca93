import { setTimeout as sleep } from 'node:timers/promises';
import { packArtifacts } from './artifacts.ts';
import type { ForwardTime } from './clock.ts';
import { type ContainerDeps, ContainerExecution, inspectContainer } from './container-execution.ts';
import { LABEL_INSTANCE, LABEL_JOB } from './container-spec.ts';
import { DockerAway, type DockerClient } from './docker-client.ts';
import type { Execution } from './driver.ts';
import { JobFailure } from './failure.ts';
import type { JobRecord } from './job-record.ts';
import { findProcess, killJob } from './process-table.ts';

/** What an agent does with the jobs that an earlier one left. */

const RETRY_MS = 1_000;

/**
 * The end of a process job: its output went to the agent that died, so it cannot go on. Kills what
 * is left of it, and goes on only with one that had ended and left artifacts; else throws.
 */
export async function takeUpProcess(record: JobRecord, boot: string | null): Promise<Execution> {
  await killRemains(record, boot);
  if (record.exited !== undefined) return pastProcess(record.exited, record.started?.at ?? 0);
  throw new JobFailure(
    'agent-lost',
    'The agent was restarted, and a job without an image does not outlive it: its output has nowhere to go.',
  );
}

/** Goes on with a container, waiting for Docker if need be; starts it if only that was missing. */
export async function takeUpContainer(
  record: JobRecord,
  deps: ContainerDeps,
  time: ForwardTime,
  onAway: (error: DockerAway) => void,
): Promise<Execution> {
  const { container, started } = record;
  if (container === null) throw new JobFailure('agent-lost', 'The agent was restarted before the container was made.');
  let isTold = false;
  for (;;) {
    try {
      const state = await inspectContainer(deps.docker, container.id);
      if (state === null) {
        throw new JobFailure('agent-lost', 'While the agent was restarted, somebody removed the container.');
      }
      if (state.status === 'created') {
        return await ContainerExecution.start(deps, state.id, container.workingDir, time);
      }
      return ContainerExecution.resume(
        deps,
        { ...state, startedAt: started?.at ?? state.startedAt },
        container.workingDir,
      );
    } catch (error) {
      if (!(error instanceof DockerAway)) throw error;
      if (!isTold) onAway(error);
      isTold = true;
      await sleep(RETRY_MS);
    }
  }
}

/** Jobs of the containers of ours that Docker has. */
export async function ownContainers(docker: DockerClient, instance: string): Promise<readonly string[]> {
  const filters = JSON.stringify({ label: [`${LABEL_INSTANCE}=${instance}`] });
  const answer = (await docker.json('/containers/json', { query: { all: true, filters } })) as readonly {
    readonly Labels: Readonly<Record<string, string>>;
  }[]; // the engine's own schema
  return answer.flatMap((container) => container.Labels[LABEL_JOB] ?? []);
}

function pastProcess(exited: NonNullable<JobRecord['exited']>, startedAt: number): Execution {
  const { workingDir, exitStatus, signal, message } = exited;
  return {
    pid: null,
    container: null,
    startedAt,
    workingDir,
    exit: Promise.resolve({ exitStatus, signal, message, lost: false }),
    kill: async () => undefined,
    collectArtifacts: (paths, target, watch) => packArtifacts(paths, workingDir, target, watch),
    measure: async () => null,
  };
}

async function killRemains(record: JobRecord, boot: string | null): Promise<void> {
  const known = record.process;
  const found = known === null ? null : findProcess(known.pid);
  // A pid that is another's now would not be if a process of the old session were alive.
  const isOurs = known !== null && known.boot === boot && (found === null || found.startTime === known.startTime);
  // A job that had just been started when the agent died is in no record; its environment tells.
  await killJob(record.job, isOurs ? known.pid : null);
}
