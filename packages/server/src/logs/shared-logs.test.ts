/** Two servers, one folder of logs, one channel: what one writes the other can follow. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobId } from '@berth/core/ids';
import { LogStore } from './log-store.ts';
import { SharedLogs } from './shared-logs.ts';

const JOB = '01jdaaaaaaaaaaaaaaaaaaaaaa' as JobId;

function setup(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'berth-logs-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const listeners = new Set<{ readonly told: (message: string) => void; readonly missed: () => void }>();
  const said: string[] = [];
  let heard = true;
  const channel = {
    announce: (message: string) => {
      said.push(message);
      if (heard) for (const { told } of listeners) told(message);
    },
    onAnnouncement: (told: (message: string) => void, missed: () => void = () => {}) => {
      const listener = { told, missed };
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const server = () => {
    const others = new SharedLogs({ store: channel, now: Date.now, onGrown: (job) => void logs.grown(job) });
    const logs: LogStore = new LogStore({ dir, now: Date.now, others });
    t.after(async () => {
      others.close();
      await logs.close();
    });
    return logs;
  };
  const hear = (isHeard: boolean): void => {
    heard = isHeard;
    if (isHeard) for (const { missed } of listeners) missed();
  };
  const write = (logs: LogStore, offset: number, text: string) => logs.append(JOB, offset, 1, Buffer.from(text));
  return { owner: server(), other: server(), said, hear, write };
}

async function textFrom(logs: LogStore, from = 0): Promise<string> {
  const reader = logs.reader(JOB, 1024);
  let text = '';
  for (let chunk = await reader.read(from); chunk !== null; chunk = await reader.read(from + text.length)) {
    text += Buffer.from(chunk.bytes).toString();
  }
  return text;
}

test('what one server has written the other reads, also after it has read before', async (t) => {
  const { owner, other, write } = setup(t);
  assert.equal(await textFrom(other), '');
  await write(owner, 0, 'one\n');
  assert.equal(await textFrom(other), 'one\n');
  await write(owner, 4, 'two\n');
  assert.equal(await other.size(JOB), 8);
  assert.equal(await textFrom(other, 4), 'two\n');
});

test('a job that changes hands is written on where the server before has stopped', async (t) => {
  const { owner, other, write } = setup(t);
  await write(owner, 0, 'one\n');
  assert.equal(await other.size(JOB), 4);
  await write(other, 4, 'two\n');
  assert.equal(await owner.size(JOB), 8, 'as the agent is told when the link comes back');
  await write(owner, 8, 'three\n');
  assert.equal(await textFrom(other), 'one\ntwo\nthree\n');
});

test('who follows on one server hears of what another one writes, and not of every byte', async (t) => {
  const { owner, other, said, write } = setup(t);
  await write(owner, 0, 'x');
  assert.deepEqual(said, [], 'nobody follows, nothing is told');
  const sizes: number[] = [];
  const stop = other.onAppend(JOB, (size) => sizes.push(size));
  for (let i = 1; i < 200; i++) await write(owner, i, 'x');
  await sleep(300);
  assert.equal(sizes.at(-1), 200, 'the last byte is told too');
  assert.ok(said.length < 10, `${said.length} announcements`);
  stop();
});

test('what was missed while nothing could be heard is looked for', async (t) => {
  const { owner, other, hear, write } = setup(t);
  const sizes: number[] = [];
  const stop = other.onAppend(JOB, (size) => sizes.push(size));
  hear(false);
  await write(owner, 0, 'unheard');
  await sleep(10);
  assert.deepEqual(sizes, []);
  hear(true);
  await sleep(10);
  assert.deepEqual(sizes, [7]);
  stop();
});
