import type { Millis } from '@berth/core';
import type { Insert, JobRow, RunRow } from '@berth/store';

/** One job for each node of the one replica that a task has. */
export function newJobs(
  run: RunRow,
  submission: number,
  avoidOffers: JobRow['avoidOffers'],
  now: Millis,
): Omit<Insert<JobRow>, 'id'>[] {
  return Array.from({ length: run.spec.nodes }, (_, node) => ({
    runId: run.id,
    projectId: run.projectId,
    replica: 0,
    node,
    submission,
    status: 'submitted',
    endReason: null,
    message: null,
    exitStatus: null,
    signal: null,
    agentState: null,
    progress: null,
    instanceId: null,
    pricePerHour: null,
    heldFrom: null,
    heldUntil: null,
    stopRequested: null,
    stopReason: null,
    stopBy: null,
    submittedAt: now,
    startOrderedAt: null,
    startedAt: null,
    finishedAt: null,
    avoidOffers,
    artifacts: null,
    logBytes: null,
    cleanedAt: null,
  }));
}
