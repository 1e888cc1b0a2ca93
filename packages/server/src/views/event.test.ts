import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventId, RunId } from '@berth/core/ids';
import type { ReadTables } from '@berth/store';
import { runRow } from '../testing/rows.ts';
import { startTestApi } from '../testing/test-api.ts';
import { eventViews } from './event.ts';
import { Names } from './names.ts';

test('events name their runs, with one query for all of them; a run that is gone is shown by its id', async (t) => {
  const api = await startTestApi(t);
  const project = await api.project('main', await api.user('ada'));
  const runs = [null, 'run-a', 'run-b', 'run-a', 'run-gone'] as (RunId | null)[];
  const rows = await api.store.transaction(async (tables) => {
    for (const [id, name] of [
      ['run-a', 'quickstart'],
      ['run-b', 'other'],
    ] as const)
      await tables.runs.insert(runRow({ id: id as RunId, name, projectId: project.id }));
    return Promise.all(
      runs.map((runId, i) =>
        tables.events.insert({
          id: `event-${i}` as EventId,
          projectId: project.id,
          at: 0,
          actor: null,
          kind: 'job.running',
          message: 'Job node 0 is running.',
          targetKind: 'job',
          targetId: `job-${i}`,
          targetName: 'node 0',
          runId,
          details: {},
        }),
      ),
    );
  });
  let queries = 0;
  const { read } = api.store;
  const counted: ReadTables = {
    ...read,
    runs: {
      ...read.runs,
      find: (query) => {
        queries += 1;
        return read.runs.find(query);
      },
    },
  };
  const views = await eventViews(new Names(counted), rows);
  assert.deepEqual(
    views.map(({ run }) => run),
    [null, 'quickstart', 'other', 'quickstart', 'run-gone'],
  );
  assert.equal(queries, 1);
});
