import type { JobView, RunView } from '@berth/core/api-schemas';
import { describeRun, statusColour } from './describe.ts';
import { formatFacts } from './facts.ts';
import { dollars, duration, timestamp } from './format.ts';
import { styled } from './style.ts';
import { type Column, formatTable, terminalWidth } from './table.ts';

/** Everything that a person asks about one run. */
export function formatRun(run: RunView, now: number): string {
  const facts = formatFacts([
    ['Run', `${styled('bold', run.name)} (${run.id})`],
    ['Project', run.project],
    ['User', run.user],
    ['Status', styled(statusColour(run.status), describeRun(run))],
    ['Message', run.message],
    ['Exit status', run.exit_status === null ? null : String(run.exit_status)],
    ['Submitted', timestamp(run.submitted_at)],
    ['Started', run.started_at === null ? null : timestamp(run.started_at)],
    ['Finished', run.finished_at === null ? null : timestamp(run.finished_at)],
    ['Duration', run.started_at === null ? null : duration((run.finished_at ?? now) - run.started_at)],
    ['Next attempt', run.next_attempt_at === null ? null : timestamp(run.next_attempt_at)],
    ['Per hour', dollars(run.price_per_hour)],
    ['Cost', dollars(run.cost)],
  ]);
  return `${facts}\n\n${formatJobs(run.jobs, run.message ?? '')}`;
}

function formatJobs(jobs: readonly JobView[], said: string): string {
  const replicas = jobs.some((job) => job.replica > 0);
  const attempts = jobs.some((job) => job.submission > 0);
  const columns: readonly Column<JobView>[] = [
    { title: 'NODE', value: (job) => String(job.node), align: 'right' },
    { title: 'REPLICA', value: (job) => (replicas ? String(job.replica) : ''), align: 'right' },
    { title: 'ATTEMPT', value: (job) => (attempts ? String(job.submission + 1) : ''), align: 'right' },
    {
      title: 'STATUS',
      value: (job) => job.status,
      style: (text, job) => styled(statusColour(job.status), text),
      min: 8,
    },
    {
      title: 'EXIT',
      value: (job) => job.signal ?? (job.exit_status === null ? '' : String(job.exit_status)),
      align: 'right',
    },
    { title: 'INSTANCE', value: (job) => job.instance?.name ?? '', min: 8, dispensable: 1 },
    {
      title: 'WHERE',
      value: (job) => (job.instance === null ? '' : `${job.instance.backend}/${job.instance.region}`),
      min: 8,
      dispensable: 2,
    },
    { title: 'TYPE', value: (job) => job.instance?.instance_type ?? '', min: 6, dispensable: 3 },
    { title: 'COST', value: (job) => dollars(job.cost), align: 'right' },
    { title: 'MESSAGE', value: (job) => unsaid(job.message, said) ?? job.progress ?? '', min: 12 },
  ];
  return formatTable(columns, jobs, terminalWidth());
}

/** The run's own message is most often that of the job that ended it: it is not said twice. */
function unsaid(message: string | null, said: string): string | null {
  return message === null || said.includes(message) ? null : message;
}
