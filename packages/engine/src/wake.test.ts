import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Touched } from './books.ts';
import { laneOf } from './lanes.ts';
import { fleetRow, instanceRow, intentRow, jobRow, runRow } from './testing/rows.ts';
import * as wake from './wake.ts';

const concernedBy = (touched: Touched): string[] => wake.concernedBy(touched).map(({ key }) => key);
const overBy = (touched: Touched): string | null => wake.overBy(touched)?.key ?? null;

const job = (row: Parameters<typeof jobRow>[0], fields: Touched['fields']): Touched =>
  ({ table: 'jobs', row: jobRow(row), fields }) as Touched;
const instance = (row: Parameters<typeof instanceRow>[0], fields: Touched['fields']): Touched =>
  ({ table: 'instances', row: instanceRow(row), fields }) as Touched;

test('a new job is its run’s affair', () => {
  assert.deepEqual(concernedBy(job({}, null)), ['run:r1']);
});

test('a job that gets an instance, or is to be stopped, looks for itself', () => {
  assert.deepEqual(concernedBy(job({ status: 'provisioning' }, ['status', 'instanceId'])), ['job:j0', 'run:r1']);
  assert.deepEqual(concernedBy(job({ status: 'running', stopRequested: 'stop' }, ['stopRequested'])), ['job:j0']);
  assert.deepEqual(concernedBy(job({ status: 'terminating', agentState: 'ended' }, ['cleanedAt'])), ['job:j0']);
});

test('progress concerns nobody, and what an agent does with a job its run only', () => {
  assert.deepEqual(concernedBy(job({ status: 'pulling', agentState: 'preparing' }, ['progress'])), []);
  assert.deepEqual(concernedBy(job({ status: 'pulling', agentState: 'preparing' }, ['agentState', 'progress'])), []);
  assert.deepEqual(concernedBy(job({ status: 'pulling', agentState: 'ready' }, ['agentState'])), ['run:r1']);
  assert.deepEqual(concernedBy(job({ status: 'running', agentState: 'running' }, ['agentState', 'status'])), [
    'run:r1',
  ]);
});

test('one that is ready and was ordered to start tells its agent itself', () => {
  const ready = { status: 'pulling', agentState: 'ready', startOrderedAt: 1 } as const;
  assert.deepEqual(concernedBy(job(ready, ['agentState', 'progress'])), ['job:j0']);
});

test('unless the job is to be stopped, or its agent has forgotten it', () => {
  const stopping = { status: 'terminating', agentState: 'running', stopRequested: 'stop' } as const;
  assert.deepEqual(concernedBy(job(stopping, ['agentState'])), ['job:j0', 'run:r1']);
  assert.deepEqual(concernedBy(job({ status: 'pulling', agentState: null }, ['agentState'])), ['job:j0', 'run:r1']);
});

test('a job that has ended concerns its run; nothing about it is remembered', () => {
  const ended = job({ status: 'done' }, ['status']);
  assert.deepEqual(concernedBy(ended), ['run:r1']);
  assert.equal(overBy(ended), 'job:j0');
  assert.equal(overBy(job({ status: 'running' }, ['status'])), null);
});

test('an instance that changes concerns itself and its fleet; one that was taken, or has said something, nobody', () => {
  assert.deepEqual(concernedBy(instance({ status: 'idle' }, ['idleDurationMs'])), ['instance:i1']);
  assert.deepEqual(concernedBy(instance({ status: 'busy', fleetId: 'f1' as never }, ['message'])), [
    'instance:i1',
    'fleet:f1',
  ]);
  const free = instance({ status: 'idle' }, ['status']);
  assert.deepEqual(concernedBy(free), ['instance:i1', `line:${free.row.projectId}`], 'also those who wait for a place');
  assert.deepEqual(concernedBy(instance({ status: 'busy' }, ['status', 'busyBlocks', 'idleSince'])), []);
  assert.deepEqual(concernedBy(instance({ status: 'busy' }, ['status', 'readyAt'])), ['instance:i1']);
  assert.deepEqual(concernedBy(instance({}, ['agentEventSeq'])), []);
});

test('an open intent looks for itself, a settled one concerns its instance', () => {
  assert.deepEqual(concernedBy({ table: 'intents', row: intentRow(), fields: null }), ['intent:x1']);
  const settled: Touched = { table: 'intents', row: intentRow({ status: 'done' }), fields: ['status'] };
  assert.deepEqual([concernedBy(settled), overBy(settled)], [['instance:i1'], 'intent:x1']);
});

test('runs and fleets look for themselves until they are finished', () => {
  assert.deepEqual(concernedBy({ table: 'runs', row: runRow(), fields: ['stopRequested'] }), ['run:r1']);
  const done: Touched = { table: 'runs', row: runRow({ status: 'done' }), fields: ['status'] };
  assert.deepEqual([concernedBy(done), overBy(done)], [[], 'run:r1']);
  const gone: Touched = { table: 'fleets', row: fleetRow({ status: 'terminated' }), fields: ['status'] };
  assert.deepEqual([concernedBy(gone), overBy(gone)], [[], 'fleet:f1']);
});

test('whoever holds an instance holds its jobs and its intents; a job without one goes with its run', () => {
  const [open] = wake.concernedBy({ table: 'intents', row: intentRow(), fields: null });
  assert.equal(open?.lane, laneOf('i1'));
  const [own, run] = wake.concernedBy(job({ status: 'provisioning', instanceId: 'i1' as never }, ['status']));
  assert.deepEqual([own?.lane, run?.lane], [laneOf('i1'), laneOf('r1')]);
  const [lost] = wake.concernedBy(job({ status: 'submitted', instanceId: null }, ['status', 'instanceId']));
  assert.equal(lost?.lane, laneOf('r1'));
  const taken = job({ instanceId: 'i1' as never, status: 'pulling', agentState: 'ready' }, ['startOrderedAt']);
  assert.deepEqual(wake.concernedBy(taken), [{ key: 'job:j0', lane: laneOf('i1') }], 'the order to start it');
});
