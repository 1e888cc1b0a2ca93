import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { InstanceId } from '@berth/core/ids';
import { agentPaths, homeAt, homeRoot, prepareHome } from './home.ts';

const instance = '01abcdefghjkmnpqrstvwxyz01' as InstanceId;

function scratch(t: { after(run: () => void): void }): string {
  const dir = mkdtempSync(join(tmpdir(), 'berth-home-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('BERTH_HOME moves everything, and an empty one does not', () => {
  assert.equal(homeRoot({ BERTH_HOME: '/srv/berth' }), '/srv/berth');
  assert.match(homeRoot({ BERTH_HOME: '' }), /\.berth$/);
});

test('only the owner may look into the folders', (t) => {
  const root = join(scratch(t), 'deep', 'home');
  const home = homeAt(root);
  prepareHome(home);
  for (const dir of [home.root, home.server, home.logs, home.blobs, home.agents])
    assert.equal(statSync(dir).mode & 0o777, 0o700, dir);
  prepareHome(home);
});

test('a home that cannot be made is told with what to do', (t) => {
  const file = join(scratch(t), 'file');
  writeFileSync(file, '');
  assert.throws(() => prepareHome(homeAt(join(file, 'home'))), { code: 'unavailable', message: /cannot be made/ });
});

test("an agent's socket lies in its folder when the path is short enough", () => {
  const { dir, socket } = agentPaths(homeAt('/home/ada/.berth'), instance);
  assert.equal(socket, join(dir, 'agent.sock'));
  assert.deepEqual(agentPaths(homeAt('/home/ada/.berth'), instance), { dir, socket });
});

test('a home that is too deep moves the socket alone, to a folder of our own', (t) => {
  const temporary = scratch(t);
  const home = homeAt(`/${'long/'.repeat(30)}home`);
  const { dir, socket } = agentPaths(home, instance, temporary);
  assert.ok(dir.startsWith(home.root));
  assert.ok(socket.startsWith(temporary));
  assert.ok(Buffer.byteLength(socket) < 100);
  assert.equal(statSync(join(socket, '..')).mode & 0o777, 0o700);
  const other = agentPaths(homeAt(`/${'long/'.repeat(30)}other`), instance, temporary);
  assert.notEqual(other.socket, socket);
});

test('a folder for sockets that another put there is refused or closed', (t) => {
  const temporary = scratch(t);
  const home = homeAt(`/${'long/'.repeat(30)}home`);
  const mine = join(temporary, `berth-${process.getuid?.() ?? 0}`);
  mkdirSync(mine);
  chmodSync(mine, 0o777);
  agentPaths(home, instance, temporary);
  assert.equal(statSync(mine).mode & 0o777, 0o700);

  const linked = scratch(t);
  symlinkSync('/tmp', join(linked, `berth-${process.getuid?.() ?? 0}`));
  assert.throws(() => agentPaths(home, instance, linked), /belongs to somebody else/);
});

test('regression: a home that others may write is refused, and says what to do', (t) => {
  const root = join(scratch(t), 'home');
  mkdirSync(root);
  for (const mode of [0o770, 0o777, 0o1777, 0o702]) {
    chmodSync(root, mode);
    assert.throws(() => prepareHome(homeAt(root)), {
      code: 'unavailable',
      message: new RegExp(`can be written by other users \\(mode ${(mode & 0o777).toString(8)}\\)`),
      hint: `Close it with \`chmod go-w ${root}\`, or set BERTH_HOME to another folder.`,
    });
    assert.deepEqual(readdirSync(root), [], 'nothing is put there');
  }
  chmodSync(root, 0o755);
  prepareHome(homeAt(root));
});

test('regression: a home of another user is refused', { skip: process.getuid?.() !== 0 }, (t) => {
  const root = join(scratch(t), 'home');
  mkdirSync(root, { mode: 0o700 });
  chownSync(root, 12345, 0);
  assert.throws(() => prepareHome(homeAt(root)), { code: 'unavailable', message: /another user \(uid 12345/ });
});

test('regression: a home below a folder that denies its children is refused, and not tried for ever', {
  skip: !existsSync('/proc/self'),
}, () => {
  for (const root of ['/proc/nope', '/proc/nope/deep/home'])
    assert.throws(() => prepareHome(homeAt(root)), { code: 'unavailable', message: /cannot be made: ENOENT/ });
});
