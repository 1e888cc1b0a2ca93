import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '../backends/records.ts';
import { startTestApi } from '../testing/test-api.ts';
import { createHandlers } from './index.ts';

const KEY = 'hunter2-hunter2';

test('credentials go to the backend as they are, and come back in no answer and no log line, whatever is wrong', async (t) => {
  const taken: Entry[] = [];
  const api = await startTestApi(t, {
    handlers: (parts) =>
      createHandlers({
        ...parts,
        backendAdmin: {
          ...parts.backendAdmin,
          choices: async (_project, entry) => {
            taken.push(entry);
            return { account: 'team', facets: [], choices: {} };
          },
        },
      }),
  });
  const ada = await api.user('ada', 'admin');
  await api.project('main', ada);
  const token = await api.token(ada);
  const headers = { 'content-type': 'application/json' };
  const ask = (body: unknown) => api.ask('POST /projects/main/backends/mine/choices', { token, body, headers });

  const good = { type: 'fluffy', config: { regions: ['eu'] }, credentials: { kind: 'key', value: { key: KEY } } };
  assert.equal((await ask(good)).status, 200);
  assert.equal((await ask({ type: 'fluffy' })).status, 200);
  assert.deepEqual(taken, [
    { name: 'mine', ...good },
    { name: 'mine', type: 'fluffy', config: {}, credentials: { kind: 'default', value: null } },
  ]);

  const wrong = [
    { type: 'fluffy', credentials: KEY },
    { type: 'fluffy', credentials: { kind: 'key', value: KEY } },
    { type: 'fluffy', credentials: { kind: 'key', key: KEY } },
    { type: 'fluffy', credentials: { kind: { key: KEY } } },
    { type: 'fluffy', credentials: [KEY] },
    { type: 'fluffy', creds: { key: KEY } },
    `{"type":"fluffy","credentials":{"kind":"key","value":{"key":${KEY}}}}`,
  ];
  for (const body of wrong) {
    const { status, text } = await ask(body);
    assert.ok(status >= 400 && status < 500, text);
    assert.doesNotMatch(text, /hunter2/);
  }
  assert.equal(taken.length, 2);
  assert.doesNotMatch(JSON.stringify(api.logged), /hunter2/);
});

test('regression: who is admin of a project alone cannot use the credentials of the server, or its machine', async (t) => {
  const tried: string[] = [];
  const api = await startTestApi(t, {
    handlers: (parts) =>
      createHandlers({
        ...parts,
        backendAdmin: {
          ...parts.backendAdmin,
          choices: async (_project, { type }) => {
            tried.push(type);
            return { account: 'team', facets: [], choices: {} };
          },
          put: async (_project, { type }) => {
            tried.push(type);
            throw new Error('not here');
          },
        },
      }),
  });
  const eve = await api.user('eve');
  await api.project('evil', eve);
  const token = await api.token(eve);
  const headers = { 'content-type': 'application/json' };
  const ask = (route: string, body: unknown) => api.ask(route, { token, body, headers });
  const bodies = [{ type: 'local' }, { type: 'cloud', credentials: { kind: 'default', value: { profile: 'boss' } } }];
  for (const body of bodies) {
    for (const route of ['PUT /projects/evil/backends/mine', 'POST /projects/evil/backends/mine/choices']) {
      const { status, text } = await ask(route, body);
      assert.equal(status, 403, text);
      assert.match(text, /credentials of the server itself/);
    }
  }
  assert.deepEqual(tried, []);
  const own = { type: 'cloud', credentials: { kind: 'key', value: { key: KEY } } };
  assert.equal((await ask('POST /projects/evil/backends/mine/choices', own)).status, 200);
  assert.deepEqual(tried, ['cloud']);
});
