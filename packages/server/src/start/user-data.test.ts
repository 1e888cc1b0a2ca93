import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MAX_USER_DATA_BYTES } from '@berth/backend';
import { keyPairOfSeed } from './ssh-key.ts';
import { userData } from './user-data.ts';

const HOST = keyPairOfSeed(randomBytes(32), 'berth-host');
const OURS = keyPairOfSeed(randomBytes(32), "it's berth");
const THEIRS = keyPairOfSeed(randomBytes(32), 'the owner').public;

function machine(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'berth-user-data-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** As cloud-init does: the text as a file that says itself what runs it. */
function boot(root: string, script: string): void {
  const file = join(root, 'script');
  writeFileSync(file, script, { mode: 0o700 });
  execFileSync(file, { env: { PATH: process.env['PATH'] ?? '', BERTH_ROOT: root }, stdio: 'pipe' });
  rmSync(file);
}

const SCRIPT = userData({ authorizedKeys: [OURS.public], hostKey: HOST });
const read = (root: string, path: string): string => readFileSync(join(root, path), 'utf8');
const mode = (root: string, path: string): number => statSync(join(root, path)).mode & 0o777;

test('a bare machine gets our key and its own host key, closed to others', (t) => {
  const root = machine(t);
  boot(root, SCRIPT);
  assert.equal(read(root, 'root/.ssh/authorized_keys'), `${OURS.public}\n`);
  assert.equal(read(root, 'etc/ssh/ssh_host_ed25519_key'), HOST.private.reveal());
  assert.equal(read(root, 'etc/ssh/ssh_host_ed25519_key.pub'), `${HOST.public}\n`);
  assert.equal(mode(root, 'root/.ssh'), 0o700);
  assert.equal(mode(root, 'root/.ssh/authorized_keys'), 0o600);
  assert.equal(mode(root, 'etc/ssh/ssh_host_ed25519_key'), 0o600);
  assert.equal(mode(root, 'etc/ssh/ssh_host_ed25519_key.pub'), 0o644);
});

test('keys that are there stay, also when their last line has no end', (t) => {
  const root = machine(t);
  mkdirSync(join(root, 'root/.ssh'), { recursive: true });
  writeFileSync(join(root, 'root/.ssh/authorized_keys'), THEIRS);
  boot(root, SCRIPT);
  assert.equal(read(root, 'root/.ssh/authorized_keys'), `${THEIRS}\n${OURS.public}\n`);
});

test('the host key that the image made is replaced; other types of keys are left alone', (t) => {
  const root = machine(t);
  mkdirSync(join(root, 'etc/ssh'), { recursive: true });
  writeFileSync(join(root, 'etc/ssh/ssh_host_ed25519_key'), 'of the image\n');
  writeFileSync(join(root, 'etc/ssh/ssh_host_rsa_key'), 'rsa\n');
  boot(root, SCRIPT);
  assert.equal(read(root, 'etc/ssh/ssh_host_ed25519_key'), HOST.private.reveal());
  assert.equal(read(root, 'etc/ssh/ssh_host_rsa_key'), 'rsa\n');
});

test('a second run changes nothing and leaves nothing lying about', (t) => {
  const root = machine(t);
  boot(root, SCRIPT);
  const before = statSync(join(root, 'etc/ssh/ssh_host_ed25519_key')).ino;
  boot(root, SCRIPT);
  assert.equal(read(root, 'root/.ssh/authorized_keys'), `${OURS.public}\n`);
  assert.equal(statSync(join(root, 'etc/ssh/ssh_host_ed25519_key')).ino, before);
  assert.deepEqual(readdirSync(join(root, 'etc/ssh')).sort(), ['ssh_host_ed25519_key', 'ssh_host_ed25519_key.pub']);
});

test('it is a shell script within what every cloud takes; more keys than fit are refused', () => {
  assert.match(SCRIPT, /^#!\/bin\/sh\n/);
  assert.ok(Buffer.byteLength(SCRIPT) < 4 * 1024);
  const many = Array.from({ length: 200 }, (_, i) => `${OURS.public} ${i}`);
  assert.throws(() => userData({ authorizedKeys: many, hostKey: HOST }), {
    name: 'RangeError',
    message: new RegExp(`and ${MAX_USER_DATA_BYTES} is what clouds take`),
  });
});
