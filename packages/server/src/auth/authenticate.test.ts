import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from '@berth/store';
import { startTestApi } from '../testing/test-api.ts';

test('a token is stored as a hash, and nothing of it but its first characters', async (t) => {
  const api = await startTestApi(t);
  const admin = await api.token(await api.user('root', 'admin'));
  const { json } = await api.ask('POST /users', { token: admin, body: { name: 'ada' } });
  assert.match(json.token, /^berth_[0-9a-f]{64}$/);
  assert.equal((await api.ask('GET /users/me', { token: json.token })).json.name, 'ada');
  const rows = JSON.stringify(await api.store.read.tokens.find());
  assert.doesNotMatch(rows, new RegExp(json.token));
  assert.match(rows, new RegExp(`"${json.token.slice(0, 12)}"`));
  assert.doesNotMatch(JSON.stringify(await api.store.read.events.find()), new RegExp(json.token));
});

test('use is written at most once a minute, and a store that cannot be written stops nobody who reads', async (t) => {
  const api = await startTestApi(t);
  const token = await api.token(await api.user('ada'));
  let commits = 0;
  api.store.onCommit(() => commits++);
  const ask = async (): Promise<void> => {
    assert.equal((await api.ask('GET /users/me', { token })).status, 200);
    await sleep(5);
  };
  for (let n = 0; n < 5; n++) await ask();
  assert.equal(commits, 1);
  assert.equal((await api.store.read.tokens.find())[0]?.lastUsedAt, api.clock.now());
  api.clock.time += 59_000;
  await ask();
  assert.equal(commits, 1);
  api.clock.time += 2_000;
  await ask();
  assert.equal(commits, 2);

  const { transaction } = api.store;
  t.after(() => Object.assign(api.store, { transaction }));
  Object.assign(api.store, {
    transaction: async () => {
      throw new StoreUnavailable('disk-full', 'no space');
    },
  });
  api.clock.time += 120_000;
  await ask();
  await ask();
  const refused = await api.ask('POST /projects', { token, body: { name: 'x' } });
  assert.equal(refused.status, 503);
  assert.match(refused.json.error.message, /disk-full/);
});

test('who is asked for again within seconds costs no query; a revoked or deactivated one is out at once', async (t) => {
  const api = await startTestApi(t);
  const root = await api.user('root', 'admin');
  const admin = await api.token(root);
  const ada = await api.user('ada');
  const token = await api.token(ada, { name: 'laptop', lastUsedAt: api.clock.now() });
  await api.ask('GET /users/me', { token });
  let queries = 0;
  const { tokens } = api.store.read;
  const first = tokens.first.bind(tokens);
  Object.assign(tokens, {
    first: (query: never) => {
      queries++;
      return first(query);
    },
  });
  for (let n = 0; n < 5; n++) await api.ask('GET /users/me', { token });
  assert.equal(queries, 0);

  assert.equal((await api.ask('DELETE /users/ada/tokens/laptop', { token: admin })).status, 200);
  const refused = await api.ask('GET /users/me', { token });
  assert.equal(refused.status, 401);
  assert.match(refused.json.error.message, /`laptop` was revoked/);

  const another = await api.token(ada);
  assert.equal((await api.ask('GET /users/me', { token: another })).status, 200);
  assert.equal((await api.ask('PATCH /users/ada', { token: admin, body: { active: false } })).status, 200);
  assert.equal((await api.ask('GET /users/me', { token: another })).status, 401);
});

test('a token expires on time also when it is in the cache', async (t) => {
  const api = await startTestApi(t);
  const token = await api.token(await api.user('ada'), { expiresAt: api.clock.now() + 1000 });
  assert.equal((await api.ask('GET /users/me', { token })).status, 200);
  api.clock.time += 1000;
  assert.equal((await api.ask('GET /users/me', { token })).status, 401);
});
