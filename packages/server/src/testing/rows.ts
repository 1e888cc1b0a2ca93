import { checkConfiguration } from '@berth/core/configuration';
import type { InstanceId, JobId, ProjectId, RunId, UserId } from '@berth/core/ids';
import type { RunSpec } from '@berth/core/job-spec';
import { toRunSpec } from '@berth/core/run-spec';
import type { Insert, InstanceRow, JobRow, RunRow } from '@berth/store';

/** Rows with everything in them that a test does not care about. */

export function taskSpec(name: string, configuration: Record<string, unknown> = {}): RunSpec {
  const checked = checkConfiguration({ type: 'task', commands: ['true'], ...configuration });
  if (checked.type !== 'task') throw new Error('not a task');
  return toRunSpec(checked, { name, code: null, files: [] });
}

export function runRow(row: Partial<Insert<RunRow>> = {}): Insert<RunRow> {
  return {
    id: 'run' as RunId,
    projectId: 'project' as ProjectId,
    userId: 'user' as UserId,
    name: 'run',
    live: true,
    status: 'submitted',
    endReason: null,
    message: null,
    spec: row.spec ?? taskSpec(row.name ?? 'run'),
    stopRequested: null,
    submission: 1,
    submittedAt: 0,
    retryWindowAt: 0,
    nextAttemptAt: null,
    startedAt: null,
    finishedAt: null,
    ...row,
  };
}

export function jobRow(row: Partial<Insert<JobRow>> = {}): Insert<JobRow> {
  return {
    id: 'job' as JobId,
    runId: 'run' as RunId,
    projectId: 'project' as ProjectId,
    replica: 0,
    node: 0,
    submission: 0,
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
    submittedAt: 0,
    startOrderedAt: null,
    startedAt: null,
    finishedAt: null,
    avoidOffers: {},
    artifacts: null,
    logBytes: null,
    cleanedAt: null,
    ...row,
  };
}

export function instanceRow(row: Partial<Insert<InstanceRow>> = {}): Insert<InstanceRow> {
  const resources = { cpus: 4, cpuArch: 'x86' as const, memoryMiB: 8192, diskMiB: 10_000, accelerators: [] };
  return {
    id: 'instance' as InstanceId,
    projectId: 'project' as ProjectId,
    fleetId: null,
    name: 'instance',
    status: 'busy',
    endReason: null,
    message: null,
    backend: 'local',
    region: 'here',
    zone: null,
    instanceType: 'this-machine',
    capacityType: 'on-demand',
    pricePerHour: 1,
    resources,
    offer: {
      id: 'offer',
      backend: 'local',
      instanceType: 'this-machine',
      region: 'here',
      zone: null,
      capacityType: 'on-demand',
      pricePerHour: 1,
      availability: 'available',
      resources,
    },
    token: row.id ?? 'token',
    cloudId: 'cloud-id',
    address: null,
    internalIp: null,
    gpuDevices: [],
    agentSecret: 'enc:aesgcm:none:',
    totalBlocks: 1,
    busyBlocks: 1,
    idleDurationMs: null,
    hedgeOf: null,
    createdAt: 0,
    readyAt: 0,
    idleSince: null,
    unreachableSince: null,
    terminationRequestedAt: null,
    terminatedAt: null,
    agentEventSeq: 0,
    agentBootId: null,
    ...row,
  };
}
