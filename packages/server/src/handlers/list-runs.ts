import { BerthError } from '@berth/core/errors';
import type { ProjectId, RunId } from '@berth/core/ids';
import type { ReadTables, RunRow } from '@berth/store';
import { orBadAfter } from './page.ts';

export interface RunPage {
  readonly project: ProjectId;
  /** Null: live and finished ones. */
  readonly live: boolean | null;
  /** Id of the last run of the page before. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** Runs, newest first. */
export function listRuns(read: ReadTables, page: RunPage): Promise<readonly RunRow[]> {
  if (page.live === true) return listLiveRuns(read, page);
  const { project, live, after, limit } = page;
  return orBadAfter(
    after,
    read.runs.find({
      where: { projectId: project, ...(live === null ? {} : { live }) },
      orderBy: ['submittedAt', 'desc'],
      limit,
      ...(after === undefined ? {} : { after }),
    }),
  );
}

/**
 * The live ones are few among very many, and have an index of their own. Asked for in this order a
 * database walks through the whole history instead: 40 ms among 50,000 runs, and 0.2 ms so.
 */
async function listLiveRuns(read: ReadTables, { project, after, limit }: RunPage): Promise<readonly RunRow[]> {
  const live = await read.runs.find({ where: { projectId: project, live: true } });
  const sorted = live.toSorted(newestFirst);
  if (after === undefined) return sorted.slice(0, limit);
  // It may be over by now; its place among the others is not.
  const last = await read.runs.get(after as RunId);
  if (last === null)
    throw new BerthError('invalid-request', `\`after\` names a run that is not there (any more): ${after}`);
  return sorted.filter((run) => newestFirst(last, run) < 0).slice(0, limit);
}

function newestFirst(a: RunRow, b: RunRow): number {
  if (a.submittedAt !== b.submittedAt) return b.submittedAt - a.submittedAt;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}
