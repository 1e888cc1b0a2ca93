import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AgentStartKind } from '@berth/backend';
import type { InstanceId } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import type { UsableBackend } from '@berth/engine';
import { homeAt, prepareHome } from '../config/home.ts';
import { agentStartFor } from './agent-start.ts';
import { installationKey, sshDir } from './installation-key.ts';
import { hostKeyOf } from './ssh-key.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const INSTANCE = '0123456789abcdefghjkmnpqrs' as InstanceId;
const SECRET = new Secret('open sesame');

function setup(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'berth-start-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const home = homeAt(root);
  prepareHome(home);
  const startFor = agentStartFor(home, random);
  /** Nothing else of a backend matters here. */
  const start = (agentStart: AgentStartKind) =>
    startFor(INSTANCE, { name: 'cloud', agentStart } as UsableBackend, SECRET);
  return { home, start };
}

test('on this machine it is a process, and no key is made for it', (t) => {
  const { home, start } = setup(t);
  const made = start('process');
  assert.equal(made.kind, 'process');
  assert.equal(existsSync(sshDir(home)), false);
  assert.deepEqual(start('process'), made);
});

test('by SSH a machine learns our public key and nothing else', (t) => {
  const { home, start } = setup(t);
  assert.deepEqual(start('ssh'), { kind: 'ssh', authorizedKeys: [installationKey(home, random).public] });
});

test('a start script lets the same key in and sets the host key that the link will ask for', (t) => {
  const { home, start } = setup(t);
  const made = start('user-data');
  assert.deepEqual(start('user-data'), made);
  const script = made.kind === 'user-data' ? made.script : '';
  assert.ok(script.includes(installationKey(home, random).public));
  assert.ok(script.includes(hostKeyOf(INSTANCE, SECRET).private.reveal()));
  assert.ok(!script.includes(SECRET.reveal()));
});

test('where it cannot be started yet, that is said by the name of the backend', (t) => {
  const { start } = setup(t);
  assert.throws(() => start('entrypoint'), { name: 'BerthError', message: /Containers of cloud cannot be given/ });
});
