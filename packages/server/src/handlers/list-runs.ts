import type { ProjectId } from '@berth/core/ids';
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
export function listRuns(read: ReadTables, { project, live, after, limit }: RunPage): Promise<readonly RunRow[]> {
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
