/** What an event says when something reaches a new status. */
import type { InstanceRow, JobRow, OrphanRow, RunRow } from '@berth/store';
import type { EventDraft, Touched } from './books.ts';

/** Null: not worth an event. */
export function describeStatus(touched: Touched): EventDraft | null {
  switch (touched.table) {
    case 'runs':
      return run(touched.row);
    case 'jobs':
      return job(touched.row);
    case 'instances':
      return instance(touched.row);
    case 'fleets':
      return {
        projectId: touched.row.projectId,
        kind: `fleet.${touched.row.status}`,
        message: `Fleet ${touched.row.name} is ${touched.row.status}`,
        targetKind: 'fleet',
        targetId: touched.row.id,
        targetName: touched.row.name,
        runId: null,
        details: {},
      };
    case 'orphans':
      return orphan(touched.row);
    case 'intents':
    case 'failures':
    case 'bootstraps':
      return null;
  }
}

function run(row: RunRow): EventDraft {
  const because = row.endReason === null ? '' : ` (${row.endReason}${row.message === null ? '' : `: ${row.message}`})`;
  return {
    projectId: row.projectId,
    kind: `run.${row.status}`,
    message: `Run ${row.name} is ${row.status}${because}`,
    targetKind: 'run',
    targetId: row.id,
    targetName: row.name,
    runId: row.id,
    details: row.endReason === null ? {} : { reason: row.endReason },
  };
}

export function jobLabel(row: Pick<JobRow, 'replica' | 'node' | 'submission'>): string {
  // People count attempts from 1.
  const again = row.submission === 0 ? '' : `, attempt ${row.submission + 1}`;
  return `node ${row.node}${row.replica === 0 ? '' : ` of replica ${row.replica}`}${again}`;
}

function job(row: JobRow): EventDraft {
  const details: { reason?: string; exit_status?: number; signal?: string } = {};
  let because = '';
  if (row.endReason !== null) {
    details.reason = row.endReason;
    if (row.exitStatus !== null) details.exit_status = row.exitStatus;
    if (row.signal !== null) details.signal = row.signal;
    const how =
      row.signal !== null ? `, signal ${row.signal}` : row.exitStatus !== null ? `, exit status ${row.exitStatus}` : '';
    because = ` (${row.endReason}${how}${row.message ? `: ${row.message}` : ''})`;
  }
  return {
    projectId: row.projectId,
    kind: `job.${row.status}`,
    message: `Job ${jobLabel(row)} is ${row.status}${because}`,
    targetKind: 'job',
    targetId: row.id,
    targetName: jobLabel(row),
    runId: row.runId,
    details,
  };
}

function instance(row: InstanceRow): EventDraft {
  const because = row.endReason === null ? '' : ` (${row.endReason}${row.message === null ? '' : `: ${row.message}`})`;
  return {
    projectId: row.projectId,
    kind: `instance.${row.status}`,
    message: `Instance ${row.name} (${row.backend} ${row.instanceType} in ${row.region}) is ${row.status}${because}`,
    targetKind: 'instance',
    targetId: row.id,
    targetName: row.name,
    runId: null,
    details: row.endReason === null ? {} : { reason: row.endReason },
  };
}

const ORPHAN_EVENTS = {
  watched: ['orphan.seen', 'is on no book'],
  reported: [
    'orphan.reported',
    'carries our owner tag and no token; it is not provably ours, and nothing is done about it',
  ],
  terminating: ['orphan.terminating', 'is on no book and is terminated'],
  gone: ['orphan.gone', 'is listed by the cloud no more, or is on a book after all'],
} as const;

function orphan(row: OrphanRow): EventDraft {
  const [kind, what] = ORPHAN_EVENTS[row.status];
  const terminated = row.status === 'gone' && row.attempts > 0;
  const name = row.name ?? row.cloudId;
  return {
    projectId: row.projectId,
    kind: terminated ? 'orphan.terminated' : kind,
    message: `Machine ${name} (${row.backend}, ${row.region}) ${terminated ? 'was on no book, and is terminated' : what}`,
    targetKind: 'orphan',
    targetId: row.id,
    targetName: name,
    runId: null,
    details: { cloud_id: row.cloudId, instance: row.instanceId },
  };
}

/** Why a job failed, in sentences, for its run. */
export function describeFailure(job: JobRow): string {
  const where = `Node ${job.node}`;
  switch (job.endReason) {
    case 'exited':
      return job.signal !== null
        ? `${where} was ended by signal ${job.signal}.`
        : `${where} exited with status ${job.exitStatus ?? '?'}.`;
    case 'no-capacity':
      return sentence(job.message ?? 'There is no place for it');
    case 'max-duration':
      return `${where} was ended because its max_duration was over.`;
    default: {
      const what = job.endReason === 'agent-lost' ? 'agent lost' : (job.endReason ?? 'failed');
      return sentence(job.message ? `${where}: ${what}: ${job.message}` : `${where}: ${what}`);
    }
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
