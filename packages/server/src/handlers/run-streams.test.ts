import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceId, JobId } from '@berth/core/ids';
import type { Insert, JobRow, Patch } from '@berth/store';
import { EventReader, type SeenEvent } from '../testing/read-events.ts';
import { instanceRow, jobRow, runRow } from '../testing/rows.ts';
import { startTestApi } from '../testing/test-api.ts';

const jobId = 'job1' as JobId;

async function setup(t: TestContext, job: Partial<Insert<JobRow>> = {}) {
  const api = await startTestApi(t);
  const user = await api.user('ada');
  const project = await api.project('main', user);
  const token = await api.token(user, { lastUsedAt: api.clock.now() });
  const run = await api.store.transaction(async (tables) => {
    await tables.jobs.insert(jobRow({ id: jobId, projectId: project.id, status: 'running', ...job }));
    return tables.runs.insert(runRow({ projectId: project.id, userId: user.id, status: 'running' }));
  });
  const { logs } = api.parts;
  let size = 0;
  const print = async (bytes: Uint8Array | string, at = 1000): Promise<void> => {
    const buffer = Buffer.from(bytes as string);
    await logs.append(jobId, size, at, buffer);
    size += buffer.length;
  };
  const change = (patch: Patch<JobRow>) =>
    api.store.transaction(async (tables) => {
      const row = await tables.jobs.get(jobId);
      if (row === null) throw new Error('the job is there');
      return tables.jobs.update(row.id, row.version, patch);
    });
  const open = async (query = '', headers: Record<string, string> = {}, path = 'logs'): Promise<EventReader> => {
    const reader = await EventReader.open(api, `/projects/main/runs/run/${path}${query}`, token, headers);
    t.after(() => reader.close());
    return reader;
  };
  return { api, run, token, project, print, change, open, size: () => size };
}

function bytesOf(events: readonly SeenEvent[]): Buffer {
  return Buffer.concat(
    events.filter(({ event }) => event === 'log').map(({ data }) => Buffer.from(data.data, 'base64')),
  );
}

test('a log is streamed byte for byte in events of at most 64 KiB, and then ends', async (t) => {
  const { print, open } = await setup(t);
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * 7) % 256));
  await print(bytes);
  const reader = await open();
  assert.equal(reader.response.headers['content-type'], 'text/event-stream; charset=utf-8');
  const events = await reader.rest();
  assert.deepEqual(bytesOf(events), bytes);
  assert.deepEqual(
    events.map(({ event }) => event),
    ['log', 'log', 'log', 'log', 'log', 'end'],
  );
  assert.deepEqual(
    events.slice(0, 2).map(({ id }) => id),
    ['65536', '131072'],
  );
  assert.deepEqual(events.at(-1)?.data, { offset: 300_000 });
  assert.equal(events[1]?.data.offset, 65_536);
  assert.equal(events[1]?.data.at, 1000);
});

test('it goes on where it was left: by offset, by Last-Event-ID, by time', async (t) => {
  const { print, open } = await setup(t);
  await print('first\n', 1000);
  await print('second\n', 5000);
  const read = async (query: string, headers?: Record<string, string>) =>
    bytesOf(await (await open(query, headers)).rest()).toString();
  assert.equal(await read('?offset=6'), 'second\n');
  assert.equal(await read('?offset=0', { 'last-event-id': '8' }), 'cond\n');
  assert.equal(await read('?since=3000'), 'second\n');
  assert.equal(await read('?since=9000'), '');
  assert.equal(await read('?offset=99'), '');
});

test('a followed log ends when its job has and every byte was sent, not before', async (t) => {
  const { api, print, change, open, project } = await setup(t, { instanceId: 'i1' as InstanceId });
  await api.store.transaction((tables) =>
    tables.instances.insert(instanceRow({ id: 'i1' as InstanceId, projectId: project.id })),
  );
  await print('one\n');
  const reader = await open('?follow=true');
  assert.equal(Buffer.from((await reader.next())?.data.data, 'base64').toString(), 'one\n');
  const waiting = reader.next();
  await sleep(30);
  await print('two\n');
  assert.equal(Buffer.from((await waiting)?.data.data, 'base64').toString(), 'two\n');
  // The end is known, but the last bytes are still on their way from the agent.
  await change({ status: 'done', exitStatus: 0, logBytes: 14 });
  const last = reader.next();
  assert.equal(await Promise.race([last, sleep(50, 'waits')]), 'waits');
  await print('three\n');
  assert.equal((await last)?.id, '14');
  assert.equal((await reader.next())?.event, 'end');
  assert.equal(await reader.next(), null);
});

test('a followed log does not wait for bytes that can come no more', async (t) => {
  const { api, print, change, open, project } = await setup(t);
  await print('one\n');
  await api.store.transaction((tables) =>
    tables.instances.insert(instanceRow({ id: 'i1' as InstanceId, projectId: project.id, status: 'terminated' })),
  );
  const reader = await open('?follow=true');
  await reader.next();
  await change({ status: 'failed', endReason: 'agent-lost', logBytes: 100, instanceId: 'i1' as InstanceId });
  assert.equal((await reader.next())?.event, 'end');

  const nothing = await setup(t);
  const empty = await nothing.open('?follow=true');
  await nothing.change({ status: 'failed', endReason: 'no-capacity' });
  assert.equal((await empty.next())?.event, 'end');
});

test('a reader that takes nothing costs nothing: memory does not grow with the log', async (t) => {
  const { api, print, open, size, token } = await setup(t);
  for (let n = 0; n < 8; n++) await print(Buffer.alloc(1_000_000, n));
  const { reader: makeReader } = api.parts.logs;
  let read = 0;
  Object.assign(api.parts.logs, {
    reader: (job: JobId, bufferBytes: number) => {
      const real = makeReader.call(api.parts.logs, job, bufferBytes);
      return {
        read: async (from: number) => {
          const chunk = await real.read(from);
          read += chunk?.bytes.length ?? 0;
          return chunk;
        },
      };
    },
  });
  const stalled = await open('?follow=true');
  stalled.response.pause();
  await sleep(300);
  const first = read;
  await print(Buffer.alloc(1_000_000, 9));
  await sleep(200);
  assert.equal(read, first, 'nothing more is read for it');
  assert.ok(read < 6_000_000, `${read} bytes were read ahead`); // what the system's own buffers hold
  // Everybody else is served meanwhile.
  assert.equal((await api.ask('GET /users/me', { token })).status, 200);
  let seen = 0;
  while (seen < size()) seen = Number((await stalled.next())?.id);
  assert.equal(seen, size());
});

test('a broken-off reader leaves nothing behind', async (t) => {
  const { api, print, open } = await setup(t);
  await print('x');
  const reader = await open('?follow=true');
  await reader.next();
  let listeners = 0;
  const { onAppend } = api.parts.logs;
  Object.assign(api.parts.logs, {
    onAppend: (job: JobId, listener: (size: number) => void) => {
      listeners++;
      const stop = onAppend.call(api.parts.logs, job, listener);
      return () => {
        listeners--;
        stop();
      };
    },
  });
  const another = await open('?follow=true');
  await another.next();
  assert.equal(listeners, 1);
  another.close();
  for (let n = 0; n < 50 && listeners > 0; n++) await sleep(10);
  assert.equal(listeners, 0);
});

test('a run is shown at once and after every change, its jobs’ too, until it is finished', async (t) => {
  const { api, run, change, open } = await setup(t);
  const reader = await open('', {}, 'watch');
  const first = await reader.next();
  assert.equal(first?.event, 'run');
  assert.equal(first?.data.jobs[0].status, 'running');
  await change({ progress: 'pulling 40 %' });
  assert.equal((await reader.next())?.data.jobs[0].progress, 'pulling 40 %');
  await change({ status: 'done', exitStatus: 0 });
  await api.store.transaction((tables) => tables.runs.update(run.id, run.version, { status: 'done', live: false }));
  const rest = await reader.rest();
  assert.equal(rest.at(-2)?.data.status, 'done');
  assert.equal(rest.at(-1)?.event, 'end');
});

test('what is deleted while it is watched is told as an error of ours', async (t) => {
  const { api, run, open } = await setup(t);
  const reader = await open('', {}, 'watch');
  await reader.next();
  await api.store.transaction((tables) => tables.runs.delete({ id: run.id }));
  const event = await reader.next();
  assert.equal(event?.event, 'error');
  assert.equal(event?.data.error.code, 'not-found');
  assert.equal(await reader.next(), null);
});

test('before a stream begins, what is wrong is an answer with its status', async (t) => {
  const { api, token } = await setup(t);
  assert.equal((await api.ask('GET /projects/main/runs/nope/logs', { token })).status, 404);
  assert.equal((await api.ask('GET /projects/main/runs/run/logs?node=5', { token })).status, 404);
  assert.equal((await api.ask('GET /projects/main/runs/run/logs?follow=yes', { token })).status, 400);
  assert.equal((await api.ask('GET /projects/main/runs/nope/watch', { token })).status, 404);
});

test('a server that stops breaks streams off without an end, so that clients come back', async (t) => {
  const { api, print, open } = await setup(t);
  await print('x');
  const reader = await open('?follow=true');
  await reader.next();
  api.stopping.abort();
  assert.equal(await reader.next(), null);
});
