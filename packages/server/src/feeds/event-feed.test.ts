import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventId, ProjectId, RunId } from '@berth/core/ids';
import { openSqliteStore } from '@berth/store/sqlite';
import { EventReader } from '../testing/read-events.ts';
import { startTestApi } from '../testing/test-api.ts';
import { EventFeed } from './event-feed.ts';

const project = 'p1' as ProjectId;

function setup(t: TestContext) {
  const store = openSqliteStore({ path: ':memory:' });
  const stop = new AbortController();
  t.after(async () => {
    stop.abort();
    await store.close();
  });
  const add = (...ids: string[]) =>
    store.transaction(async (tables) => {
      for (const id of ids) {
        await tables.events.insert({
          id: id as EventId,
          projectId: project,
          at: 0,
          actor: null,
          kind: 'test',
          message: id,
          targetKind: 'run',
          targetId: 'r',
          targetName: 'r',
          runId: id.includes('r1') ? ('r1' as RunId) : null,
          details: {},
        });
      }
    });
  const feed = (lastSeen: string | null, run: string | null = null) => {
    const made = new EventFeed(store, { project, run: run as RunId | null }, lastSeen as EventId | null);
    const seen: string[] = [];
    const done = (async () => {
      for await (const rows of made.batches(stop.signal)) seen.push(...rows.map(({ id }) => id));
    })();
    return { seen, made, done };
  };
  return { store, add, feed, stop };
}

const idAt = (ms: number, tail: string): string => `${String(ms).padStart(10, '0')}${tail}`;

test('nothing is dropped, whatever the order of the ids', async (t) => {
  const { add, feed } = setup(t);
  await add(idAt(1, 'before'));
  const { seen } = feed(null);
  await add(idAt(5, 'zz'));
  await sleep(5);
  await add(idAt(5, 'aa'), idAt(5, 'bb'));
  await sleep(5);
  await add(idAt(2, 'clock-stepped-back'));
  await sleep(20);
  assert.deepEqual(seen, [idAt(5, 'zz'), idAt(5, 'aa'), idAt(5, 'bb'), idAt(2, 'clock-stepped-back')]);
});

test('who comes back gets what came since; of the same millisecond rather twice than never', async (t) => {
  const { add, feed } = setup(t);
  await add(idAt(1, 'old'), idAt(2, 'a'), idAt(2, 'b'), idAt(2, 'c'));
  for (let n = 3; n < 503; n++) await add(idAt(n, 'x'));
  const { seen } = feed(idAt(2, 'b'));
  await add(idAt(600, 'new'));
  await sleep(60);
  assert.deepEqual(seen.slice(0, 3), [idAt(2, 'a'), idAt(2, 'c'), idAt(3, 'x')]);
  assert.equal(seen.at(-1), idAt(600, 'new'));
  assert.equal(seen.length, 503);
  assert.equal(new Set(seen).size, 503);
});

test('a reader that falls behind keeps a bounded list, and still gets all', async (t) => {
  const { store, add, stop } = setup(t);
  const feed = new EventFeed(store, { project, run: null }, null);
  const ids = Array.from({ length: 25_000 }, (_, n) => idAt(n + 1, 'x'));
  for (let at = 0; at < ids.length; at += 5000) await add(...ids.slice(at, at + 5000));
  const seen = new Set<string>();
  for await (const rows of feed.batches(stop.signal)) {
    for (const { id } of rows) seen.add(id);
    if (seen.size === ids.length) break;
  }
  assert.equal(seen.size, ids.length);
  feed.close();
});

test('a run’s events are its own', async (t) => {
  const { add, feed } = setup(t);
  const { seen } = feed(null, 'r1');
  await add(idAt(1, 'r1'), idAt(2, 'other'));
  await add(idAt(3, 'r1'));
  await sleep(20);
  assert.deepEqual(seen, [idAt(1, 'r1'), idAt(3, 'r1')]);
});

test('over HTTP: listed newest first in pages, watched as they happen', async (t) => {
  const api = await startTestApi(t);
  const user = await api.user('ada');
  await api.project('main', user);
  const token = await api.token(user, { lastUsedAt: api.clock.now() });
  const watch = await EventReader.open(api, '/projects/main/events/watch', token);
  t.after(() => watch.close());
  for (const name of ['A', 'B', 'C']) {
    api.clock.time += 10;
    await api.ask(`PUT /projects/main/secrets/${name}`, { token, body: { value: 'x' } });
  }
  const { data, id } = (await watch.next()) ?? {};
  assert.equal(data.message, 'Secret A was made.');
  assert.equal(data.actor, 'ada');
  assert.equal(data.id, id);
  assert.equal((await watch.next())?.data.target.name, 'B');

  const first = (await api.ask('GET /projects/main/events?limit=2', { token })).json;
  assert.deepEqual(
    first.events.map((event: { target: { name: string } }) => event.target.name),
    ['C', 'B'],
  );
  const second = (await api.ask(`GET /projects/main/events?limit=2&after=${first.next}`, { token })).json;
  assert.deepEqual(
    second.events.map((event: { kind: string }) => event.kind),
    ['secret.created', 'project.created'],
  );
  assert.equal(second.next, null);
  const resumed = await EventReader.open(api, '/projects/main/events/watch', token, { 'last-event-id': id ?? '' });
  t.after(() => resumed.close());
  assert.equal((await resumed.next())?.data.target.name, 'B');
  assert.equal((await api.ask('GET /projects/main/events?run=nope', { token })).status, 404);
});

test('a stream ends with the right to it', async (t) => {
  const api = await startTestApi(t, { recheckMs: 20 });
  const user = await api.user('ada');
  const { id } = await api.project('main', await api.user('owner'));
  await api.member(id, user, 'user');
  const token = await api.token(user, { lastUsedAt: api.clock.now() });
  const watch = await EventReader.open(api, '/projects/main/events/watch', token);
  t.after(() => watch.close());
  await sleep(60);
  await api.store.transaction((tables) => tables.members.delete({ userId: user.id }));
  const last = await watch.next();
  assert.equal(last?.event, 'error');
  assert.equal(last?.data.error.code, 'not-found');
  assert.equal(await watch.next(), null);
});
