import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announceRecheck, announceWakes, readAnnouncement } from './announce-wakes.ts';
import { ALL_LANES } from './lanes.ts';
import { type Concern, concern } from './wake.ts';

function said(tell: (commit: { announce(message: string): void }) => void): string[] {
  const messages: string[] = [];
  tell({ announce: (message) => messages.push(message) });
  return messages;
}

test('who is concerned is heard elsewhere, each once, in messages that a store takes', () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => `01JD${String(i).padStart(22, '0')}`);
  const concerned: Concern[] = [...ids, ...ids].map((id) => concern('job', id));
  concerned.push(concern('sweep' as 'run', 'project/back/end'));
  const messages = said((commit) => announceWakes(commit, 's1', concerned));
  assert.ok(messages.length > 5 && messages.every((message) => Buffer.byteLength(message) <= 4_000));
  const heard = messages.map(readAnnouncement).flatMap((one) => (one?.kind === 'wake' ? one.concerned : []));
  assert.deepEqual(heard, [...concerned.slice(0, 1_000), concerned.at(-1)]);
  assert.equal(readAnnouncement(messages[0] ?? '')?.server, 's1');
});

test('nobody concerned: nothing is said', () => {
  assert.deepEqual(
    said((commit) => announceWakes(commit, 's1', [])),
    [],
  );
});

test('lanes to be looked at again', () => {
  const [message = ''] = said((commit) => announceRecheck(commit, 's1', ALL_LANES));
  assert.deepEqual(readAnnouncement(message), { kind: 'recheck', server: 's1', lanes: ALL_LANES });
});

test('what others announce is not ours to read, and nonsense wakes nobody', () => {
  assert.equal(readAnnouncement('log-grown 01JD'), null);
  assert.equal(readAnnouncement(''), null);
  assert.deepEqual(readAnnouncement('wake s1 x 99/job:a -1/job:b /job:c 1.5/job:d'), {
    kind: 'wake',
    server: 's1',
    concerned: [],
  });
});
