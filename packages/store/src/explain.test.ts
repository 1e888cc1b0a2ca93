/** Every kind of question that engine and server ask is answered through an index, at any size of the tables. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sqlite } from './dialect.ts';
import { migrate } from './migrate.ts';
import type { Rows, TableName } from './rows.ts';
import { deleteStatement, type Statement, selectStatement, updateStatement } from './sql.ts';
import { connect } from './sqlite-connection.ts';
import type { Query, Where } from './store.ts';
import { tableShape } from './table-shape.ts';
import { TABLES } from './tables.ts';
import { id } from './testing/samples.ts';

const connection = connect(':memory:', 'writer');
migrate(connection, ':memory:', { now: () => 0 });

const partial = new Set(
  Object.values(TABLES).flatMap((table) =>
    Object.entries(table.indexes).flatMap(([name, index]) => ('where' in index ? [name] : [])),
  ),
);

function plan(statement: Statement): string[] {
  return connection
    .all({ sql: `EXPLAIN QUERY PLAN ${statement.sql}`, values: statement.values })
    .map((row) => String(row[3]));
}

/** Going through a partial index is what that index is for; going through anything else is a full scan. */
const isFullScan = (step: string): boolean => {
  if (!step.startsWith('SCAN ')) return false;
  const index = /USING (?:COVERING )?INDEX (\w+)/.exec(step)?.[1];
  return index === undefined || !partial.has(index);
};

function claim<K extends TableName>(name: string, table: K, query: Query<Rows[K]>): void {
  test(name, () => {
    const steps = plan(selectStatement(sqlite, tableShape(table), query, 1));
    assert.deepEqual(steps.filter(isFullScan), [], steps.join('; '));
    // A page must not cost the sorting of all rows that could be on it.
    if (query.limit !== undefined) assert.ok(!steps.some((step) => /TEMP B-TREE/.test(step)), steps.join('; '));
  });
}

const projectId = id<Rows['runs']['projectId']>('p');
const runId = id<Rows['jobs']['runId']>('r');
const instanceId = id<Rows['intents']['instanceId']>('i');
const fleetId = id<NonNullable<Rows['instances']['fleetId']>>('f');
const userId = id<Rows['tokens']['userId']>('u');
const hash = id<Rows['blobs']['hash']>('h');

describe('answered through an index', () => {
  claim('live runs of a project', 'runs', { where: { projectId, live: true } });
  claim('all live runs', 'runs', { where: { live: true } });
  claim('the live run of a name', 'runs', { where: { projectId, name: 'n', live: true } });
  claim('the newest run of a name', 'runs', {
    where: { projectId, name: 'n' },
    orderBy: ['submittedAt', 'desc'],
    limit: 1,
  });
  claim('runs of a project, newest first', 'runs', {
    where: { projectId },
    orderBy: ['submittedAt', 'desc'],
    limit: 50,
  });
  claim('the next page of runs of a project', 'runs', {
    where: { projectId },
    orderBy: ['submittedAt', 'desc'],
    limit: 50,
    after: 'r',
  });
  claim('jobs of a run', 'jobs', { where: { runId } });
  claim('jobs of a submission of a run', 'jobs', { where: { runId, submission: 2 } });
  claim('jobs of several runs', 'jobs', { where: { runId: { in: [runId, runId] } } });
  claim('all unfinished jobs', 'jobs', { where: { status: { in: ['submitted', 'provisioning', 'running'] } } });
  claim('unfinished jobs of an instance', 'jobs', { where: { instanceId, status: { in: ['pulling', 'running'] } } });
  claim('jobs of an instance that its agent has still to forget', 'jobs', { where: { instanceId, cleanedAt: null } });
  claim('idle instances of a project', 'instances', { where: { projectId, status: 'idle' } });
  claim('instances with room beside their jobs', 'instances', {
    where: { projectId, status: 'busy', totalBlocks: { gt: 1 } },
  });
  claim('instances on their way that nobody has', 'instances', {
    where: { projectId, status: { in: ['pending', 'provisioning'] }, busyBlocks: 0 },
  });
  claim('all live instances', 'instances', { where: { status: { in: ['pending', 'provisioning', 'idle', 'busy'] } } });
  claim('instances of a fleet', 'instances', { where: { fleetId, status: { in: ['idle'] } } });
  claim('an instance by name', 'instances', { where: { projectId, name: 'n' } });
  claim('the living instance of a name', 'instances', {
    where: { projectId, name: 'n', status: { in: ['pending', 'provisioning', 'idle', 'busy', 'terminating'] } },
  });
  claim('an instance by token', 'instances', { where: { token: 't' } });
  claim('all live fleets', 'fleets', { where: { live: true } });
  claim('a fleet by name', 'fleets', { where: { projectId, name: 'n', live: true } });
  claim('open intents, the next due first', 'intents', {
    where: { status: 'open' },
    orderBy: ['nextAttemptAt', 'asc'],
    limit: 10,
  });
  claim('open intents that are due', 'intents', {
    where: { status: 'open', nextAttemptAt: { lte: 5 } },
    orderBy: ['nextAttemptAt', 'asc'],
  });
  claim('open intents of an instance', 'intents', { where: { instanceId, status: 'open' } });
  claim('the open intent of an instance', 'intents', {
    where: { instanceId, kind: 'instance.create', status: 'open' },
  });
  claim('events after an id', 'events', { after: 'e', limit: 100 });
  claim('events of a project after an id', 'events', { where: { projectId }, after: 'e', limit: 100 });
  claim('events of a run after an id', 'events', { where: { runId }, after: 'e', limit: 100 });
  claim('the last events of a run', 'events', { where: { runId }, orderBy: ['id', 'desc'], limit: 100 });
  claim('events of a thing', 'events', { where: { targetKind: 'instance', targetId: 'i' }, limit: 100 });
  claim('the token of a hash', 'tokens', { where: { hash: 'h' } });
  claim('tokens of a user', 'tokens', { where: { userId } });
  claim('a user by name', 'users', { where: { name: 'n' } });
  claim('users by id', 'users', { where: { id: { in: [userId, userId, userId] } } });
  claim('members of a project', 'members', { where: { projectId } });
  claim('projects of a user', 'members', { where: { userId } });
  claim('a project by name', 'projects', { where: { name: 'n', deletedAt: null } });
  claim('a secret by name', 'secrets', { where: { projectId, name: 'n' } });
  claim('backends of a project', 'backends', { where: { projectId, deletedAt: null } });
  claim('a blob of a project', 'blobs', { where: { projectId, hash } });
  claim('whoever has a blob', 'blobs', { where: { hash } });
  claim('blobs that nobody has used for long', 'blobs', {
    where: { usedAt: { lt: 5 } },
    orderBy: ['usedAt', 'asc'],
    limit: 100,
  });

  test('regression: a page of the live runs does not walk through the history of the project', () => {
    const query: Query<Rows['runs']> = {
      where: { projectId, live: true },
      orderBy: ['submittedAt', 'desc'],
      limit: 50,
    };
    for (const page of [query, { ...query, after: 'r' }]) {
      const steps = plan(selectStatement(sqlite, tableShape('runs'), page, 1)).join('; ');
      assert.match(steps, /USING INDEX runs_live_submitted/);
      assert.doesNotMatch(steps, /TEMP B-TREE/);
    }
  });

  test('a row by id, and its update', () => {
    for (const table of ['runs', 'jobs', 'instances'] as const) {
      const update = updateStatement(sqlite, tableShape(table), 'x', 1, { message: null });
      assert.deepEqual(plan(update).filter(isFullScan), []);
      const get = plan(selectStatement(sqlite, tableShape(table), { where: { id: 'x' }, limit: 1 }));
      assert.match(get.join(), /^SEARCH \w+ USING INDEX sqlite_autoindex_\w+ \(id=\?\)$/);
    }
  });

  test('retention of events, by time and by id, whole and in bites', () => {
    const doomed: Where<Rows['events']>[] = [{ at: { lt: 5 } }, { id: { lt: id('e') } }];
    for (const where of doomed) {
      for (const limit of [undefined, 500]) {
        const steps = plan(deleteStatement(sqlite, tableShape('events'), where, limit));
        assert.deepEqual(steps.filter(isFullScan), [], steps.join('; '));
      }
    }
  });

  test('and a question without an index would be found out', () => {
    assert.equal(
      plan(selectStatement(sqlite, tableShape('runs'), { where: { status: 'done' } })).some(isFullScan),
      true,
    );
  });
});
