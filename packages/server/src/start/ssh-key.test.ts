import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BerthError } from '@berth/core/errors';
import type { InstanceId } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import ssh2 from 'ssh2';
import { type Home, homeAt, prepareHome } from '../config/home.ts';
import { requireSshd } from '../testing/sshd.ts';
import { installationKey, sshDir } from './installation-key.ts';
import { hostKeyOf, keyPairOfSeed, publicHalf } from './ssh-key.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

function freshHome(t: TestContext): Home {
  const root = mkdtempSync(join(tmpdir(), 'berth-key-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const home = homeAt(root);
  prepareHome(home);
  return home;
}

test('OpenSSH reads the private half and finds our public half in it', async (t) => {
  if (!(await requireSshd(t))) return;
  const { root } = freshHome(t);
  for (const comment of ['berth', '', 'of eight', 'äöü']) {
    const pair = keyPairOfSeed(random(32), comment);
    const path = join(root, 'key');
    writeFileSync(path, pair.private.reveal(), { mode: 0o600 });
    const said = execFileSync('ssh-keygen', ['-y', '-f', path], { encoding: 'utf8' });
    assert.equal(said.trim(), pair.public.trim());
    rmSync(path);
  }
});

test('a key is the same for the same seed, another for another, and signs what its public half verifies', () => {
  const seed = random(32);
  const pair = keyPairOfSeed(seed, 'x');
  assert.equal(keyPairOfSeed(seed, 'x').private.reveal(), pair.private.reveal());
  assert.notEqual(keyPairOfSeed(random(32), 'x').public, pair.public);
  assert.equal(publicHalf(pair.private.reveal(), 'x'), pair.public);
  const [ours, theirs] = [pair.private.reveal(), pair.public].map((text) => ssh2.utils.parseKey(text));
  if (ours === undefined || theirs === undefined || ours instanceof Error || theirs instanceof Error) {
    return assert.fail('not parsed');
  }
  assert.equal(theirs.verify('text', ours.sign('text')), true);
});

test('the host key of a machine follows from its secret and its id, and from nothing less', () => {
  const of = (instance: string, secret: string): string => hostKeyOf(instance as InstanceId, new Secret(secret)).public;
  assert.equal(of('one', 'secret'), of('one', 'secret'));
  assert.notEqual(of('one', 'secret'), of('one', 'other'));
  assert.notEqual(of('one', 'secret').split(' ')[1], of('two', 'secret').split(' ')[1]);
});

test('an installation has one key: made once, closed to others, told without its private half', (t) => {
  const home = freshHome(t);
  const first = installationKey(home, random);
  assert.equal(installationKey(home, random).public, first.public);
  const path = join(sshDir(home), 'id_ed25519');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(sshDir(home)).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(sshDir(home)).sort(), ['id_ed25519', 'id_ed25519.pub']);
  assert.equal(readFileSync(`${path}.pub`, 'utf8'), `${first.public}\n`);
  assert.ok(!`${JSON.stringify(first)} ${first.private}`.includes('PRIVATE'));
});

test('of two servers that make it at the same time, both have the key that was first', (t) => {
  const home = freshHome(t);
  let second = '';
  const first = installationKey(home, (length) => {
    // While the first one is making its own.
    if (second === '' && !existsSync(join(sshDir(home), 'id_ed25519'))) {
      second = 'being made';
      second = installationKey(home, random).public;
    }
    return random(length);
  });
  assert.equal(first.public, second);
});

test('a key that is broken is not made anew: machines know the old one', (t) => {
  const home = freshHome(t);
  installationKey(home, random);
  const path = join(sshDir(home), 'id_ed25519');
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, 120));
  assert.throws(
    () => installationKey(home, random),
    (error) => {
      assert.ok(error instanceof BerthError);
      assert.match(error.message, /id_ed25519, the SSH key of this installation, cannot be used: It is cut off/);
      assert.match(error.hint ?? '', /backup/);
      return true;
    },
  );
});
