import { constants } from 'node:os';
import type { RunView } from '@berth/core/api-schemas';
import { isRunFinished } from '@berth/core/states';
import { EXIT_FAILURE, EXIT_INTERRUPTED } from './output/error.ts';
import { dollars, duration, plural } from './output/format.ts';
import { styledError } from './output/style.ts';

/**
 * The exit code of a command that waited for the run: the job's own; 128 and the signal's number; 130
 * when somebody stopped it; 1 when it failed without any.
 */
export function exitCodeOf(run: RunView): number {
  if (!isRunFinished(run.status)) return EXIT_FAILURE;
  if (run.status === 'done') return run.exit_status ?? 0;
  if (run.status === 'terminated') return EXIT_INTERRUPTED;
  if (run.exit_status !== null && run.exit_status !== 0) return run.exit_status;
  const signal = run.jobs.find((job) => job.signal !== null)?.signal;
  const numbers: Readonly<Record<string, number>> = constants.signals;
  const number = signal == null ? undefined : numbers[signal];
  return number === undefined ? EXIT_FAILURE : 128 + number;
}

/** What became of it, how long it took and what it cost in one line; then why, or what was amiss although it is done. */
export function formatEnd(run: RunView): string {
  const started = run.started_at ?? run.submitted_at;
  const took = run.finished_at === null ? null : duration(run.finished_at - started);
  const why = reasonOf(run);
  const ended = exitText(run);
  const facts = [
    // What the next line says in a sentence need not be said in a word before.
    why?.includes(ended) === true && run.exit_status === null ? null : ended,
    run.started_at === null || took === null ? null : took,
    dollars(run.cost),
    run.jobs.length > 1 ? plural(run.jobs.length, 'node') : null,
  ];
  const line = `${mark(run)} ${styledError('bold', run.name)} ${verb(run)}: ${facts.filter((f) => f !== null).join(', ')}`;
  if (run.status === 'done') return [line, ...warnings(run)].join('\n');
  return why === null ? line : `${line}\n  ${why}`;
}

/** Null where the exit status of the only job has said it. */
function reasonOf(run: RunView): string | null {
  const [job, ...others] = run.jobs;
  const exited = job !== undefined && others.length === 0 && job.end_reason === 'exited' && job.exit_status !== null;
  const said = exited ? job.message : (run.message ?? run.jobs.find(({ message }) => message !== null)?.message);
  return said || null;
}

/** What the jobs that made it have to say, once where many say the same. Earlier attempts no longer matter. */
function warnings(run: RunView): string[] {
  const said = run.jobs.flatMap(({ status, message }) => (status === 'done' && message ? [message] : []));
  return [...new Set(said)].map((message) => `${styledError('yellow', 'warning:')} ${message}`);
}

function mark(run: RunView): string {
  if (run.status === 'done') return styledError('green', '✓');
  return run.status === 'failed' ? styledError('red', '✗') : styledError('yellow', '■');
}

function verb(run: RunView): string {
  if (run.status === 'terminated') return run.end_reason === 'aborted-by-user' ? 'was aborted' : 'was stopped';
  return run.status;
}

function exitText(run: RunView): string {
  const signal = run.jobs.find((job) => job.signal !== null)?.signal;
  if (signal != null && run.status !== 'done') return `ended by ${signal}`;
  if (run.exit_status !== null) return `exit status ${run.exit_status}`;
  const reason = run.jobs.find((job) => job.end_reason !== null && job.status !== 'done')?.end_reason;
  return reason ?? run.end_reason ?? 'no exit status';
}
