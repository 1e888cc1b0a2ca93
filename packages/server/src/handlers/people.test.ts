import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceId, RunId } from '@berth/core/ids';
import { instanceRow, runRow } from '../testing/rows.ts';
import { startTestApi } from '../testing/test-api.ts';

test('the last admin of a server can be neither demoted nor deactivated', async (t) => {
  const api = await startTestApi(t);
  const token = await api.token(await api.user('root', 'admin'));
  for (const body of [{ global_role: 'user' }, { active: false }]) {
    const answer = await api.ask('PATCH /users/root', { token, body });
    assert.equal(answer.status, 409);
    assert.match(answer.json.error.message, /last admin/);
  }
  await api.ask('POST /users', { token, body: { name: 'second', global_role: 'admin' } });
  assert.equal((await api.ask('PATCH /users/root', { token, body: { global_role: 'user' } })).status, 200);
  assert.equal((await api.ask('GET /users', { token })).status, 403);
});

test('a name is taken once, and some never', async (t) => {
  const api = await startTestApi(t);
  const token = await api.token(await api.user('root', 'admin'));
  assert.equal((await api.ask('POST /users', { token, body: { name: 'ada' } })).status, 200);
  assert.equal((await api.ask('POST /users', { token, body: { name: 'ada' } })).json.error.code, 'conflict');
  assert.equal((await api.ask('POST /users', { token, body: { name: 'me' } })).json.error.code, 'invalid-request');
  assert.deepEqual(
    (await api.ask('GET /users', { token })).json.map((user: { name: string }) => user.name),
    ['ada', 'root'],
  );
  assert.equal((await api.ask('PATCH /users/nobody', { token, body: {} })).status, 404);
});

test('tokens are one’s own; an admin of the server sees to those of others', async (t) => {
  const api = await startTestApi(t);
  const ada = await api.user('ada');
  const bob = await api.token(await api.user('bob'));
  const root = await api.token(await api.user('root', 'admin'));
  const token = await api.token(ada);
  for (const route of ['GET /users/ada/tokens', 'GET /users/nobody/tokens', 'DELETE /users/ada/tokens/test'])
    assert.equal((await api.ask(route, { token: bob })).status, 403, route);
  assert.equal((await api.ask('POST /users/ada/tokens', { token: bob, body: { name: 'x' } })).status, 403);

  const made = await api.ask('POST /users/me/tokens', {
    token,
    body: { name: 'ci', scope: 'read', expires_in_ms: 1000 },
  });
  assert.equal(made.json.info.expires_at, api.clock.now() + 1000);
  assert.equal(made.json.info.scope, 'read');
  const listed = (await api.ask('GET /users/ada/tokens', { token: root })).json;
  assert.deepEqual(listed.map((row: { name: string }) => row.name).sort(), ['ci', 'test']);
  assert.doesNotMatch(JSON.stringify(listed), /hash/);
  assert.equal((await api.ask('POST /users/ada/tokens', { token: root, body: { name: 'ci' } })).status, 200);
  const ambiguous = await api.ask('DELETE /users/ada/tokens/ci', { token });
  assert.equal(ambiguous.json.error.code, 'conflict');
  assert.equal((await api.ask(`DELETE /users/ada/tokens/${made.json.info.id}`, { token })).status, 200);
  assert.equal((await api.ask(`DELETE /users/ada/tokens/${made.json.info.id}`, { token })).status, 404);
});

test('a token that ends makes none that outlives it, under whatever name', async (t) => {
  const api = await startTestApi(t);
  const expiresAt = api.clock.now() + 60_000;
  const token = await api.token(await api.user('root', 'admin'), { expiresAt });
  for (const body of [{ name: 'x' }, { name: 'x', expires_in_ms: 60_001 }])
    assert.equal((await api.ask('POST /users/me/tokens', { token, body })).status, 403);
  assert.equal(
    (await api.ask('POST /users/me/tokens', { token, body: { name: 'x', expires_in_ms: 60_000 } })).status,
    200,
  );
  await api.ask('POST /users', { token, body: { name: 'puppet', global_role: 'admin' } });
  const rows = await api.store.read.tokens.find();
  assert.ok(rows.every((row) => row.expiresAt !== null && row.expiresAt <= expiresAt));
});

test('a token for a project needs a project that its user is in', async (t) => {
  const api = await startTestApi(t);
  const ada = await api.user('ada');
  const token = await api.token(ada);
  await api.project('hers', ada);
  await api.project('theirs', await api.user('bob'));
  const bound = (await api.ask('POST /users/me/tokens', { token, body: { name: 'x', project: 'hers' } })).json;
  assert.equal(bound.info.project, 'hers');
  assert.deepEqual(
    (await api.ask('GET /projects', { token: bound.token })).json.map((p: { name: string }) => p.name),
    ['hers'],
  );
  assert.equal((await api.ask('POST /users/me/tokens', { token, body: { name: 'x', project: 'theirs' } })).status, 404);
});

test('a project lists its members; a manager neither makes nor unmakes admins; one admin stays', async (t) => {
  const api = await startTestApi(t);
  const owner = await api.user('owner');
  const manager = await api.user('manager');
  await api.user('ada');
  const { id } = await api.project('main', owner);
  await api.member(id, manager, 'manager');
  const [asOwner, asManager] = [await api.token(owner), await api.token(manager)];

  const put = (user: string, role: string, token: string) =>
    api.ask(`PUT /projects/main/members/${user}`, { token, body: { role } });
  const added = await put('ada', 'user', asManager);
  assert.deepEqual(added.json.members, [
    { user: 'ada', role: 'user' },
    { user: 'manager', role: 'manager' },
    { user: 'owner', role: 'admin' },
  ]);
  assert.equal((await put('manager', 'admin', asManager)).status, 403);
  assert.equal((await put('owner', 'user', asManager)).status, 403);
  assert.equal((await api.ask('DELETE /projects/main/members/owner', { token: asManager })).status, 403);
  assert.equal((await put('owner', 'user', asOwner)).json.error.code, 'conflict');
  assert.equal((await api.ask('DELETE /projects/main/members/owner', { token: asOwner })).json.error.code, 'conflict');
  assert.equal((await put('ada', 'admin', asOwner)).status, 200);
  assert.equal((await api.ask('DELETE /projects/main/members/owner', { token: asOwner })).status, 200);
  assert.equal((await api.ask('GET /projects/main', { token: asOwner })).status, 404);
  assert.equal((await put('nobody', 'user', await api.token(await api.user('root', 'admin')))).status, 404);
});

test('a project goes only when it holds nothing, and its name is free again', async (t) => {
  const api = await startTestApi(t);
  const token = await api.token(await api.user('ada'));
  const { id } = (await api.ask('POST /projects', { token, body: { name: 'x' } })).json;
  assert.equal((await api.ask('POST /projects', { token, body: { name: 'x' } })).status, 409);
  await api.ask('PUT /projects/x/secrets/KEY', { token, body: { value: 'v' } });
  const run = await api.store.transaction((tables) => tables.runs.insert(runRow({ projectId: id })));
  const refused = await api.ask('DELETE /projects/x', { token });
  assert.match(refused.json.error.message, /1 unfinished run\./);
  await api.store.transaction((tables) => tables.runs.update(run.id, run.version, { live: false, status: 'done' }));
  assert.equal((await api.ask('DELETE /projects/x', { token })).status, 200);
  assert.equal((await api.ask('GET /projects/x', { token })).status, 404);
  assert.equal(await api.store.read.secrets.count(), 0);
  assert.equal((await api.ask('POST /projects', { token, body: { name: 'x' } })).status, 200);
});

test('a secret is sealed in the store, and told to managers only', async (t) => {
  const api = await startTestApi(t);
  const owner = await api.user('owner');
  const ada = await api.user('ada');
  const { id } = await api.project('main', owner);
  await api.member(id, ada, 'user');
  const token = await api.token(owner);
  assert.equal(
    (await api.ask('PUT /projects/main/secrets/API_KEY', { token, body: { value: 'hunter2' } })).status,
    200,
  );
  assert.doesNotMatch(JSON.stringify(await api.store.read.secrets.find()), /hunter2/);
  assert.match((await api.store.read.secrets.find())[0]?.ciphertext ?? '', /^enc:aesgcm:test:/);
  assert.equal((await api.ask('GET /projects/main/secrets/API_KEY', { token })).json.value, 'hunter2');
  await api.ask('PUT /projects/main/secrets/API_KEY', { token, body: { value: 'hunter3' } });
  assert.equal((await api.ask('GET /projects/main/secrets/API_KEY', { token })).json.value, 'hunter3');

  const asAda = await api.token(ada);
  assert.deepEqual((await api.ask('GET /projects/main/secrets', { token: asAda })).json, [
    { name: 'API_KEY', updated_at: api.clock.now() },
  ]);
  assert.equal((await api.ask('GET /projects/main/secrets/API_KEY', { token: asAda })).status, 403);
  const near = await api.ask('GET /projects/main/secrets/API_KEI', { token });
  assert.match(near.json.error.hint, /`API_KEY`/);
  assert.equal((await api.ask('PUT /projects/main/secrets/a%20b', { token, body: { value: '' } })).status, 400);
  assert.equal(
    (await api.ask('PUT /projects/main/secrets/BIG', { token, body: { value: 'x'.repeat(70_000) } })).status,
    400,
  );
  assert.equal((await api.ask('DELETE /projects/main/secrets/API_KEY', { token })).status, 200);
  assert.equal((await api.ask('DELETE /projects/main/secrets/API_KEY', { token })).status, 404);
  const events = JSON.stringify((await api.ask('GET /projects/main/events', { token })).json);
  assert.match(events, /secret\.deleted/);
  assert.doesNotMatch(events, /hunter/);
});

test('regression: a token that ends can leave no admin behind', async (t) => {
  const api = await startTestApi(t);
  const root = await api.user('root', 'admin');
  const forever = await api.token(root);
  const lent = await api.token(root, { name: 'lent', expiresAt: api.clock.now() + 60_000 });
  await api.user('ada');
  await api.ask('POST /users', { token: forever, body: { name: 'old', global_role: 'admin' } });
  await api.ask('PATCH /users/old', { token: forever, body: { active: false } });
  const cases: [string, Record<string, unknown>][] = [
    ['POST /users', { name: 'eve', global_role: 'admin' }],
    ['PATCH /users/ada', { global_role: 'admin' }],
    ['PATCH /users/old', { active: true }],
  ];
  for (const [route, body] of cases) {
    const { status, json } = await api.ask(route, { token: lent, body });
    assert.equal(status, 403, route);
    assert.match(json.error.message, /`lent` ends itself, so it cannot make `(eve|ada|old)` an admin/);
    assert.match(json.error.hint, /does not end/);
  }
  const users = (await api.ask('GET /users', { token: forever })).json;
  assert.deepEqual(
    users.filter((user: { active: boolean }) => user.active).map((user: { name: string }) => user.name),
    ['ada', 'root'],
  );
  for (const [route, body] of [...cases, ['PATCH /users/root', { email: 'root@example.org' }] as const])
    assert.equal((await api.ask(route, { token: forever, body: { ...body } })).status, 200, route);
  assert.equal((await api.ask('PATCH /users/root', { token: lent, body: { email: 'r@example.org' } })).status, 200);
});

test('regression: a token’s life has an end that a date can say, and names can be shown', async (t) => {
  const api = await startTestApi(t);
  const token = await api.token(await api.user('root', 'admin'));
  const make = (body: Record<string, unknown>) => api.ask('POST /users/me/tokens', { token, body });
  for (const life of [3651 * 86_400_000, 8.64e15, Number.MAX_SAFE_INTEGER]) {
    const { status, json } = await make({ name: 'x', expires_in_ms: life });
    assert.equal(status, 400);
    assert.match(json.error.message, /a token may live 3650 days; leave this out for one that does not end/);
  }
  const ten = await make({ name: 'x', expires_in_ms: 3650 * 86_400_000 });
  assert.ok(new Date(ten.json.info.expires_at).getUTCFullYear() > 2030);
  for (const name of ['', 'a\u001b[2J', 'Ci', 'a b', '\u202eabc', 'x'.repeat(61)]) {
    for (const answer of [await make({ name }), await api.ask('POST /users', { token, body: { name } })]) {
      assert.equal(answer.status, 400, name);
      assert.match(answer.json.error.message, /cannot be a name/);
      assert.doesNotMatch(answer.text, /\\u001b|\u001b/);
    }
  }
  assert.equal((await make({ name: 'ci.main_1-x' })).status, 200);
  const shy = await api.ask('POST /users', { token, body: { name: 'eve', email: 'a@b\u001b[2J' } });
  assert.equal(shy.status, 400);
});

test('regression: adding a member again without a role takes nothing away', async (t) => {
  const api = await startTestApi(t);
  const owner = await api.user('owner');
  const manager = await api.user('manager');
  await api.user('ada');
  const { id } = await api.project('main', owner);
  await api.member(id, manager, 'manager');
  const add = async (user: string, token: string) => {
    const { status, json } = await api.ask(`PUT /projects/main/members/${user}`, { token, body: {} });
    assert.equal(status, 200);
    return json.members.find((member: { user: string }) => member.user === user).role;
  };
  const [asOwner, asManager] = [await api.token(owner), await api.token(manager)];
  assert.equal(await add('manager', asOwner), 'manager');
  assert.equal(await add('owner', asOwner), 'admin');
  assert.equal(await add('owner', asManager), 'admin');
  assert.equal(await add('ada', asManager), 'user');
  const { events } = (await api.ask('GET /projects/main/events', { token: asOwner })).json;
  assert.equal(events.filter((event: { kind: string }) => event.kind.startsWith('member.')).length, 1);
});

test('regression: a project that holds something is refused with the commands that help', async (t) => {
  const api = await startTestApi(t);
  const token = await api.token(await api.user('ada'));
  const { id } = (await api.ask('POST /projects', { token, body: { name: 'x' } })).json;
  const refused = async () => (await api.ask('DELETE /projects/x', { token })).json.error;
  await api.store.transaction(async (tables) => {
    await tables.instances.insert(instanceRow({ projectId: id, id: 'i' as InstanceId, name: 'box', status: 'idle' }));
    await tables.instances.insert(instanceRow({ projectId: id, id: 'j' as InstanceId, status: 'terminated' }));
  });
  assert.equal((await refused()).hint, 'First `berth instance delete box --project x`.');
  await api.store.transaction(async (tables) => {
    for (const name of ['a', 'b']) await tables.runs.insert(runRow({ projectId: id, id: name as RunId, name }));
  });
  const { message, hint } = await refused();
  assert.equal(message, '`x` still holds 2 unfinished runs, 1 instance.');
  assert.equal(hint, 'First `berth stop a b --project x`, then `berth instance delete box --project x`.');
  await api.store.transaction(async (tables) => {
    for (const name of ['c', 'd', 'e', 'f'])
      await tables.runs.insert(runRow({ projectId: id, id: name as RunId, name }));
  });
  assert.match((await refused()).hint, /^First `berth stop NAME… --project x` \(`berth ps` shows the names\), then/);
});
