import { relative } from 'node:path';
import type { Client } from '@berth/client/client';
import { reasonOf } from '@berth/client/system-error';
import type { RunView } from '@berth/core/api-schemas';
import { followRun } from './follow-run.ts';
import { EXIT_INTERRUPTED } from './output/error.ts';
import { styledError } from './output/style.ts';
import { print, say } from './output/write.ts';
import { exitCodeOf, formatEnd } from './run-end.ts';

export interface SeeToEndOptions {
  readonly cwd: string;
  /** Aborted: stop watching; the run goes on. */
  readonly signal: AbortSignal;
  readonly replica?: number;
  readonly node?: number;
  readonly offset?: number;
  readonly since?: number;
  /** False: leave what the jobs left at the server. */
  readonly artifacts?: boolean;
}

/** Follows a run to its end, brings its artifacts and says what became of it. Returns the exit code. */
export async function seeToEnd(client: Client, run: RunView, options: SeeToEndOptions): Promise<number> {
  let ended: RunView;
  if (run.nodes > 1) say(`${run.nodes} nodes; this is the log of node ${options.node ?? 0}.\n`);
  try {
    ended = await followRun(client, run, options);
  } catch (error) {
    if (!options.signal.aborted) throw error;
    say(`${howToComeBack(run.name)}\n`);
    return EXIT_INTERRUPTED;
  }
  say(`${formatEnd(ended)}\n`);
  if (options.artifacts !== false) await bringArtifacts(client, ended, options);
  return exitCodeOf(ended);
}

/** For `--detach`: the name alone on standard output, for scripts. */
export function detached(run: RunView): number {
  print(`${run.name}\n`);
  say(`${howToComeBack(run.name)}\n`);
  return 0;
}

function howToComeBack(name: string): string {
  return `${name} goes on. \`berth attach ${name}\` comes back to it, \`berth stop ${name}\` ends it.`;
}

/** The run has ended as it has: that its artifacts cannot be brought here is a warning. */
async function bringArtifacts(client: Client, run: RunView, { cwd, signal }: SeeToEndOptions): Promise<void> {
  const left = run.jobs.filter((job) => job.artifacts !== null);
  if (left.length === 0) return;
  const { fetchArtifacts, jobsWithArtifacts } = await import('./fetch-artifacts.ts');
  const { defaultArtifactsPath } = await import('./artifacts-folder.ts');
  const warn = (text: string) => say(`${styledError('yellow', 'warning:')} ${text}\n`);
  try {
    if (jobsWithArtifacts(run).length > 0) {
      const path = await defaultArtifactsPath(cwd, run.name);
      const refused = await fetchArtifacts(client, run, path, signal);
      for (const { entry, why } of refused) warn(`${entry} was left out: ${why}`);
      say(`  artifacts: ${relative(cwd, path) || path}\n`);
    }
    if (jobsWithArtifacts(run).length < left.length) {
      warn(`not all artifacts are at the server yet; \`berth run artifacts ${run.name}\` fetches them later`);
    }
  } catch (error) {
    if (signal.aborted) return;
    warn(`the artifacts could not be brought here: ${reasonOf(error)}`);
    say(`  \`berth run artifacts ${run.name}\` tries again\n`);
  }
}
