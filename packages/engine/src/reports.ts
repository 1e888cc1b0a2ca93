/** What an agent reports, written into the books. A report that is repeated, or comes too late, changes nothing. */
import type { JobEndReason, JobId, Millis } from '@berth/core';
import { isJobAtAgent } from '@berth/core';
import type { InstanceRow, JobRow, Patch } from '@berth/store';
import type { Tx } from './books.ts';
import { jobLabel } from './describe.ts';
import type { AgentReport } from './ports.ts';
import { DRAIN_LIMIT_MS } from './timing.ts';

export interface ReportStamp {
  readonly seq: number;
  /** By the agent's clock. */
  readonly at: Millis;
  /** By ours. */
  readonly now: Millis;
}

/** Returns a job that ended at the agent and that nobody here waits for, so that the agent can be told to forget it. */
export async function recordReport(
  tx: Tx,
  instance: InstanceRow,
  stamp: ReportStamp,
  report: AgentReport,
): Promise<JobId | null> {
  if (stamp.seq <= instance.agentEventSeq) return null;
  await tx.change('instances', instance, { agentEventSeq: stamp.seq });
  const job = report.job === null ? null : await tx.read.jobs.get(report.job);
  if (report.kind === 'problem') {
    await tx.event({
      projectId: instance.projectId,
      kind: `agent.${report.code}`,
      message: report.message,
      targetKind: job === null ? 'instance' : 'job',
      targetId: job === null ? instance.id : job.id,
      targetName: job === null ? instance.name : jobLabel(job),
      runId: job?.runId ?? null,
      details: { code: report.code },
    });
    return null;
  }
  // An end that is recorded is never changed, and a job that went elsewhere is not this agent's.
  if (job === null || job.instanceId !== instance.id || !isJobAtAgent(job.status)) {
    return report.kind === 'job-ended' ? report.job : null;
  }
  const patch = job.agentState === 'ended' ? null : patchFor(job, stamp, report);
  if (patch !== null) await tx.change('jobs', job, patch);
  return null;
}

function patchFor(
  job: JobRow,
  stamp: ReportStamp,
  report: Exclude<AgentReport, { kind: 'problem' }>,
): Patch<JobRow> | null {
  switch (report.kind) {
    case 'job-preparing': {
      if (job.agentState !== null && job.agentState !== 'preparing') return null;
      const percent = report.progress === null ? '' : ` ${Math.round(report.progress * 100)} %`;
      const progress = `${report.step}${percent}`;
      return job.agentState === null ? { agentState: 'preparing', progress } : { progress };
    }
    case 'job-ready':
      return job.agentState === 'running' ? null : { agentState: 'ready', progress: null };
    case 'job-running':
      return {
        agentState: 'running',
        progress: null,
        startedAt: job.startedAt ?? stamp.at,
        ...(job.status === 'pulling' ? { status: 'running' as const } : {}),
      };
    case 'job-ended':
      return {
        status: 'terminating',
        agentState: 'ended',
        endReason: endReason(job, report.reason),
        message: report.message === '' ? null : report.message,
        exitStatus: report.exitStatus,
        signal: report.signal,
        startedAt: job.startedAt ?? report.startedAt,
        finishedAt: report.endedAt,
        // From here on: by then its log and artifacts must be here. By our clock, the agent's may be wrong.
        stopBy: stamp.now + DRAIN_LIMIT_MS,
        progress: null,
        logBytes: report.logBytes,
        artifacts: report.artifacts === null ? null : { ...report.artifacts, fetched: false },
      };
  }
}

function endReason(job: JobRow, reason: Extract<AgentReport, { kind: 'job-ended' }>['reason']): JobEndReason {
  // An agent stops a job that nobody asked it to stop only when it is shut down itself.
  return reason === 'stopped' ? (job.stopReason ?? 'agent-lost') : reason;
}
