import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { ROUTES, type RouteName } from '@berth/core/api-routes';
import { startTestApi } from '../testing/test-api.ts';
import type { Handlers } from './call.ts';
import type { EventStream } from './event-stream.ts';

/** Who may call what, spelled out: a route that is added must be put here by hand. */
const EVERYBODY: RouteName[] = ['server.info', 'server.openapi'];
const MARKET: RouteName[] = [
  'backend.types',
  'catalog.offers',
  'catalog.groups',
  'catalog.gpus',
  'catalog.status',
  'catalog.history',
];
const USERS: RouteName[] = [
  'user.me',
  'token.list',
  'token.create',
  'token.revoke',
  'project.list',
  'project.create',
  ...MARKET,
];
const MEMBERS: RouteName[] = [
  'project.get',
  'secret.list',
  'backend.list',
  'offer.list',
  'offer.market',
  'blob.missing',
  'blob.put',
  'run.plan',
  'run.apply',
  'run.list',
  'run.get',
  'run.stop',
  'run.delete',
  'run.logs',
  'run.watch',
  'run.metrics',
  'run.artifacts',
  'fleet.plan',
  'fleet.apply',
  'fleet.list',
  'fleet.get',
  'fleet.delete',
  'instance.list',
  'instance.get',
  'instance.delete',
  'cost.get',
  'event.list',
  'event.watch',
];
const MANAGERS: RouteName[] = [
  'instance.sweep',
  'backend.get',
  'member.put',
  'member.delete',
  'secret.put',
  'secret.get',
  'secret.delete',
];
const ADMINS: RouteName[] = ['project.delete', 'backend.put', 'backend.choices', 'backend.delete'];
const GLOBAL_ADMINS: RouteName[] = ['user.list', 'user.create', 'user.update'];

/** What a token that only reads may do, if its user may. */
const READING: RouteName[] = [
  'server.info',
  'server.openapi',
  'user.me',
  'user.list',
  'token.list',
  'project.list',
  ...MARKET,
  'project.get',
  'secret.list',
  'backend.list',
  'backend.get',
  'offer.list',
  'offer.market',
  'blob.missing',
  'run.plan',
  'run.list',
  'run.get',
  'run.logs',
  'run.watch',
  'run.metrics',
  'run.artifacts',
  'fleet.plan',
  'fleet.list',
  'fleet.get',
  'instance.list',
  'instance.get',
  'cost.get',
  'event.list',
  'event.watch',
];
const OUTSIDE_PROJECTS: RouteName[] = [...EVERYBODY, ...USERS, ...GLOBAL_ADMINS];
const ALL = Object.keys(ROUTES) as RouteName[];

/** Bodies that fit, so that nothing but the permission can be in the way. */
const submission = { configuration: {}, code: null, files: [] };
const BODIES: Partial<Record<RouteName, unknown>> = {
  'user.create': { name: 'x' },
  'user.update': {},
  'token.create': { name: 'x' },
  'project.create': { name: 'x' },
  'member.put': { role: 'user' },
  'secret.put': { value: 'x' },
  'backend.put': { type: 'x' },
  'backend.choices': { type: 'x' },
  'offer.list': { configuration: {} },
  'offer.market': {},
  'catalog.offers': {},
  'catalog.groups': { group_by: ['gpu'] },
  'blob.missing': { hashes: [] },
  'blob.put': new Uint8Array([1]),
  'run.plan': submission,
  'run.apply': submission,
  'run.stop': {},
  'fleet.plan': { configuration: {} },
  'fleet.apply': { configuration: {} },
  'instance.sweep': {},
};

/** Every handler says that it was reached, and does nothing. */
function stubs(): Handlers {
  const reached = async () => ({ reached: true });
  const stub = (name: RouteName) => {
    if (name === 'run.logs' || name === 'run.watch' || name === 'event.watch') {
      return async (_call: unknown, open: () => EventStream) => open().end({ event: 'reached', data: {} });
    }
    if (name !== 'run.artifacts') return reached;
    return async () => ({ bytes: 7, contentType: 'text/plain', fileName: 'x', body: Readable.from(['reached']) });
  };
  return Object.fromEntries(ALL.map((name) => [name, stub(name)])) as unknown as Handlers;
}

test('the lists of this test hold every route, once', () => {
  const listed = [...EVERYBODY, ...USERS, ...MEMBERS, ...MANAGERS, ...ADMINS, ...GLOBAL_ADMINS];
  assert.deepEqual(listed.toSorted(), ALL.toSorted());
});

test('every route is open to exactly those who may use it', async (t) => {
  const api = await startTestApi(t, { handlers: stubs });
  const owner = await api.user('owner');
  const mine = await api.project('mine', owner);
  const other = await api.project('other', owner);
  const [stranger, member, manager, admin, idle] = await Promise.all(
    ['stranger', 'member', 'manager', 'admin', 'idle'].map((name) => api.user(name)),
  );
  assert.ok(stranger && member && manager && admin && idle);
  const root = await api.user('root', 'admin');
  await api.member(mine.id, member, 'user');
  await api.member(other.id, member, 'user');
  await api.member(mine.id, manager, 'manager');
  await api.member(mine.id, admin, 'admin');
  await api.member(mine.id, idle, 'admin');
  const now = api.clock.now();
  const inactive = await api.token(idle);
  await api.store.transaction((tables) => tables.users.update(idle.id, idle.version, { active: false }));

  const users = [...EVERYBODY, ...USERS];
  const asMember = [...users, ...MEMBERS];
  const asManager = [...asMember, ...MANAGERS];
  const asAdmin = [...asManager, ...ADMINS];
  const cases: readonly (readonly [string, string | null, readonly RouteName[], RegExp])[] = [
    ['nobody', null, EVERYBODY, /^unauthenticated$/],
    ['a token of another server', `berth_${'0'.repeat(64)}`, EVERYBODY, /^unauthenticated$/],
    ['what is no token', 'hunter2', EVERYBODY, /^unauthenticated$/],
    ['a token that expired', await api.token(root, { expiresAt: now }), EVERYBODY, /^unauthenticated$/],
    ['a token that was revoked', await api.token(root, { revokedAt: now }), EVERYBODY, /^unauthenticated$/],
    ['a user who is not active', inactive, EVERYBODY, /^unauthenticated$/],
    ['a stranger', await api.token(stranger), users, /^(not-found|forbidden)$/],
    ['a member', await api.token(member), asMember, /^forbidden$/],
    ['a manager', await api.token(manager), asManager, /^forbidden$/],
    ['an admin of the project', await api.token(admin), asAdmin, /^forbidden$/],
    ['an admin of the server', await api.token(root), ALL, /^never$/],
    ['an admin’s token that only reads', await api.token(root, { scope: 'read' }), READING, /^forbidden$/],
    [
      'a member’s token that only reads',
      await api.token(member, { scope: 'read' }),
      READING.filter((r) => asMember.includes(r)),
      /^forbidden$/,
    ],
    [
      'an admin’s token for this project',
      await api.token(root, { projectId: mine.id }),
      [...ALL.filter((r) => !OUTSIDE_PROJECTS.includes(r)), ...EVERYBODY, ...MARKET, 'user.me', 'project.list'],
      /^forbidden$/,
    ],
    [
      'an admin’s token for another project',
      await api.token(root, { projectId: other.id }),
      [...EVERYBODY, ...MARKET, 'user.me', 'project.list'],
      /^forbidden$/,
    ],
    [
      'a member’s token for another project',
      await api.token(member, { projectId: other.id }),
      [...EVERYBODY, ...MARKET, 'user.me', 'project.list'],
      /^forbidden$/,
    ],
  ];
  for (const [who, token, allowed, refusal] of cases) {
    for (const route of ALL) {
      const [method, path] = ROUTES[route];
      const filled = path
        .replace('{project}', 'mine')
        .replace('{hash}', 'a'.repeat(64))
        .replace(/\{\w+\}/g, 'thing');
      const body = BODIES[route];
      const answer = await api.ask(`${method} ${filled}`, { token, ...(body === undefined ? {} : { body }) });
      const what = `${who}: ${route} gave ${answer.status} ${answer.text.slice(0, 200)}`;
      if (allowed.includes(route)) {
        assert.equal(answer.status, 200, what);
        assert.match(answer.text, /reached/, what);
      } else {
        assert.match(answer.json?.error.code ?? answer.text, refusal, what);
        assert.doesNotMatch(answer.text, /reached/, what);
      }
    }
  }
});

test('to a stranger a project that exists and one that does not look the same', async (t) => {
  const api = await startTestApi(t);
  await api.project('secret-plans', await api.user('owner'));
  const token = await api.token(await api.user('stranger'));
  const real = await api.ask('GET /projects/secret-plans/runs', { token });
  const unreal = await api.ask('GET /projects/secret-plane/runs', { token });
  assert.equal(real.status, 404);
  assert.equal(real.text.replaceAll('plans', 'x'), unreal.text.replaceAll('plane', 'x'));
});

test('an expired token is told when it expired and what to do', async (t) => {
  const api = await startTestApi(t);
  const user = await api.user('ada');
  const token = await api.token(user, { name: 'laptop', expiresAt: api.clock.now() - 1000 });
  const answer = await api.ask('GET /users/me', { token });
  assert.equal(answer.status, 401);
  assert.match(answer.json.error.message, /`laptop` expired on 2023-11-14T22:13:19/);
  assert.match(answer.json.error.hint, /another/);
  assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
});
