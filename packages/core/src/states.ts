/** The states of the four kinds of things that live, one table each, and the questions asked of them. */

export const RUN_STATUSES = [
  'pending', // waits for a retry's back-off to pass
  'submitted',
  'provisioning',
  'running',
  'terminating',
  'terminated',
  'failed',
  'done',
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const JOB_STATUSES = [
  'submitted', // has no instance yet
  'provisioning', // has an instance, which is not ready yet
  'pulling', // the agent prepares: image, code, files
  'running',
  'terminating', // is being stopped at the agent
  'terminated', // stopped on request
  'aborted', // stopped on request without grace
  'failed',
  'done',
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

export const INSTANCE_STATUSES = [
  'pending', // on the books, not yet asked of the cloud
  'provisioning', // asked of the cloud; its agent has not answered yet
  'idle',
  'busy',
  'terminating', // let go; stays until the cloud itself says that it is gone
  'terminated',
] as const;
export type InstanceStatus = (typeof INSTANCE_STATUSES)[number];

export const FLEET_STATUSES = ['active', 'terminating', 'terminated'] as const;
export type FleetStatus = (typeof FLEET_STATUSES)[number];

/** Which states may follow which. A store write that is not in the table is a defect. */
export const RUN_TRANSITIONS: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ['submitted', 'terminating', 'terminated', 'failed'],
  submitted: ['provisioning', 'running', 'pending', 'terminating', 'terminated', 'failed', 'done'],
  provisioning: ['submitted', 'running', 'pending', 'terminating', 'failed', 'done'],
  running: ['provisioning', 'submitted', 'pending', 'terminating', 'failed', 'done'],
  terminating: ['pending', 'terminated', 'failed', 'done'],
  terminated: [],
  failed: [],
  done: [],
};

export const JOB_TRANSITIONS: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  submitted: ['provisioning', 'terminated', 'aborted', 'failed'],
  provisioning: ['submitted', 'pulling', 'terminating', 'terminated', 'aborted', 'failed'],
  pulling: ['running', 'terminating', 'terminated', 'aborted', 'failed', 'done'],
  running: ['terminating', 'terminated', 'aborted', 'failed', 'done'],
  terminating: ['terminated', 'aborted', 'failed', 'done'],
  terminated: [],
  aborted: [],
  failed: [],
  done: [],
};

export const INSTANCE_TRANSITIONS: Readonly<Record<InstanceStatus, readonly InstanceStatus[]>> = {
  pending: ['provisioning', 'terminating', 'terminated'],
  provisioning: ['idle', 'busy', 'terminating', 'terminated'],
  idle: ['busy', 'terminating', 'terminated'],
  busy: ['idle', 'terminating', 'terminated'],
  terminating: ['terminated'],
  terminated: [],
};

/** Why a job ended. The part before the first colon of a shown reason is one of these. */
export const JOB_END_REASONS = [
  'exited', // the process ended by itself; exit status or signal says how
  'no-capacity', // no offer fits, or every offer that fits was out of stock
  'interrupted', // the cloud took the machine back
  'agent-lost', // the agent died with the job, or its machine did
  'provisioning-failed', // the instance never became ready
  'image-error', // the image cannot be pulled or a container cannot be made of it
  'setup-error', // code, files, working directory, user or shell cannot be prepared
  'max-duration',
  'stopped-by-user',
  'aborted-by-user',
  'stopped-by-run', // stop_criteria, or another node of its replica failed
] as const;
export type JobEndReason = (typeof JOB_END_REASONS)[number];

export const RUN_END_REASONS = [
  'all-jobs-done',
  'job-failed',
  'retry-limit-exceeded',
  'stopped-by-user',
  'aborted-by-user',
  'no-capacity',
] as const;
export type RunEndReason = (typeof RUN_END_REASONS)[number];

export const INSTANCE_END_REASONS = [
  'idle-timeout',
  'deleted-by-user',
  'create-failed',
  'provisioning-timeout',
  'job-finished',
  'fleet-deleted',
  'unreachable',
  'gone', // the cloud says that it does not exist
  'hedged', // of two that were made for one job, the other one was ready first
] as const;
export type InstanceEndReason = (typeof INSTANCE_END_REASONS)[number];

/** `retry.on_events` of a configuration. */
export const RETRY_EVENTS = ['no-capacity', 'interruption', 'error'] as const;
export type RetryEvent = (typeof RETRY_EVENTS)[number];

export const isRunFinished = (s: RunStatus): boolean => RUN_TRANSITIONS[s].length === 0;
export const isJobFinished = (s: JobStatus): boolean => JOB_TRANSITIONS[s].length === 0;
/** The agent has been told of the job and has not reported its end. */
export const isJobAtAgent = (s: JobStatus): boolean => s === 'pulling' || s === 'running' || s === 'terminating';
/** A machine that may cost money. */
export const isInstanceAlive = (s: InstanceStatus): boolean => s !== 'terminated';
export const isInstanceReady = (s: InstanceStatus): boolean => s === 'idle' || s === 'busy';
export const isFleetFinished = (s: FleetStatus): boolean => s === 'terminated';

export function mayFollow(
  kind: 'run' | 'job' | 'instance',
  from: RunStatus | JobStatus | InstanceStatus,
  to: RunStatus | JobStatus | InstanceStatus,
): boolean {
  if (from === to) return true;
  const table: Readonly<Record<string, readonly string[]>> =
    kind === 'run' ? RUN_TRANSITIONS : kind === 'job' ? JOB_TRANSITIONS : INSTANCE_TRANSITIONS;
  return table[from]?.includes(to) ?? false;
}
