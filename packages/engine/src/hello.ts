/** What an agent says when it answers, compared with what the books say of its instance and jobs. */
import type { InstanceId, JobId, Millis } from '@berth/core';
import type { InstanceRow, JobRow, Patch } from '@berth/store';
import type { Tx } from './books.ts';
import type { AgentHelloInfo } from './ports.ts';

/** Returns the jobs that the agent still holds although they are finished or not ours. */
export async function recordHello(
  tx: Tx,
  id: InstanceId,
  hello: AgentHelloInfo,
  now: Millis,
): Promise<readonly JobId[]> {
  const row = await tx.read.instances.get(id);
  if (row === null || row.status === 'terminating' || row.status === 'terminated') return [];
  if (row.agentBootId !== null && row.agentBootId !== hello.bootId) await tellRestart(tx, row);
  const answer = answered(row, hello, now);
  if (Object.keys(answer).length > 0) await tx.change('instances', row, answer);
  const jobs = await tx.read.jobs.find({
    where: { instanceId: id, status: { in: ['pulling', 'running', 'terminating'] } },
  });
  const held = new Set(hello.jobs.map((job) => job.job));
  const unstarted = new Set(hello.unstarted);
  for (const job of jobs) {
    const patch = held.has(job.id) ? null : notHeld(job, unstarted.has(job.id), now);
    if (patch !== null) await tx.change('jobs', job, patch);
  }
  const ours = new Set(jobs.map((job) => job.id));
  return hello.jobs.map((job) => job.job).filter((job) => !ours.has(job));
}

function answered(row: InstanceRow, hello: AgentHelloInfo, now: Millis): Patch<InstanceRow> {
  const busy = row.busyBlocks > 0;
  return {
    ...(row.agentBootId === hello.bootId ? {} : { agentBootId: hello.bootId }),
    ...(row.unreachableSince === null ? {} : { unreachableSince: null }),
    ...(row.status === 'provisioning'
      ? { status: busy ? 'busy' : 'idle', readyAt: now, idleSince: busy ? null : now, message: null }
      : {}),
  };
}

/** As before the agent was told. The run orders the start anew, once all nodes are ready again. */
const UNTOLD: Patch<JobRow> = { agentState: null, startOrderedAt: null, progress: null };

/** The agent does not know this job. What that means depends on how far it had come; null: nothing. */
function notHeld(job: JobRow, isUnstarted: boolean, now: Millis): Patch<JobRow> | null {
  switch (job.agentState) {
    case null: // not told yet, or the order was lost on the way
    case 'ended': // it was removed there, and the answer was lost
      return null;
    case 'preparing':
      // Nothing is started before the run says so, so it can safely be told once more.
      return UNTOLD;
    case 'ready':
      // The order to start it may have come and been carried out, unless the agent itself knows better.
      return isUnstarted ? UNTOLD : lost(job, now);
    case 'running':
      return lost(job, now);
  }
}

function lost(job: JobRow, now: Millis): Patch<JobRow> {
  return {
    status: 'terminating',
    agentState: 'ended',
    endReason: job.stopReason ?? 'agent-lost',
    message: 'The agent no longer knows of this job.',
    finishedAt: now,
    cleanedAt: now,
    progress: null,
  };
}

async function tellRestart(tx: Tx, row: InstanceRow): Promise<void> {
  await tx.event({
    projectId: row.projectId,
    kind: 'agent.restarted',
    message: `The agent of instance ${row.name} was started again`,
    targetKind: 'instance',
    targetId: row.id,
    targetName: row.name,
    runId: null,
    details: {},
  });
}
