import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JobFailure } from './failure.ts';
import { resolveUser } from './unix-user.ts';

const ACCOUNTS = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\n',
  group: 'root:x:0:\nvideo:x:44:app\n',
};

describe('a user', () => {
  const claims: readonly (readonly [string, object])[] = [
    ['app', { name: 'app', uid: 1000, gid: 1001, home: '/home/app' }],
    ['1000', { name: 'app', uid: 1000, gid: 1001, home: '/home/app' }],
    ['app:video', { name: 'app', uid: 1000, gid: 44, home: '/home/app' }],
    ['app:7', { name: 'app', uid: 1000, gid: 7, home: '/home/app' }],
    ['4242', { name: null, uid: 4242, gid: 0, home: '/' }],
    ['4242:4343', { name: null, uid: 4242, gid: 4343, home: '/' }],
  ];
  for (const [spec, user] of claims) {
    it(`"${spec}" is found as Docker finds it`, () => assert.deepEqual(resolveUser(spec, ACCOUNTS), user));
  }
  for (const spec of ['nobody-here', 'app:no-group', '']) {
    it(`"${spec}" is a mistake of the configuration`, () =>
      assert.throws(
        () => resolveUser(spec, ACCOUNTS),
        (error) => error instanceof JobFailure && error.reason === 'setup-error',
      ));
  }
});
