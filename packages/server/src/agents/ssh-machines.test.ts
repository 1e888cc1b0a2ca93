import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '@berth/core/errors';
import { type InstanceId, newId } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import { homeAt, prepareHome } from '../config/home.ts';
import { installationKey, sshDir } from '../start/installation-key.ts';
import { hostKeyOf, keyPairOfSeed } from '../start/ssh-key.ts';
import { QUIET_LOG } from '../testing/quiet-log.ts';
import { OUR_NODE, requireSshd, TestSshd, tools } from '../testing/sshd.ts';
import { type SshMachine, SshMachines } from './ssh-machines.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const SECRET = new Secret('open sesame');

async function setup(t: TestContext) {
  if (!(await requireSshd(t))) return null;
  const root = mkdtempSync(join(tmpdir(), 'berth-home-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const home = homeAt(root);
  prepareHome(home);
  const gone = new Set<InstanceId>();
  const warned: string[] = [];
  const machines = new SshMachines({
    home,
    random,
    log: { ...QUIET_LOG, warn: (_message, fields) => warned.push(String(fields?.['error'])) },
    isGone: async (id) => gone.has(id),
  });
  const sshd = await TestSshd.start(t, {
    authorizedKeys: [installationKey(home, random).public],
    path: `${tools(t, { node: OUR_NODE })}:/usr/bin:/bin`,
  });
  const machine: SshMachine = {
    instance: newId<'InstanceId'>(Date.now(), random),
    address: sshd.address,
    secret: SECRET,
    hasOurHostKey: false,
  };
  /** Is let in, and goes. */
  const visit = async (changes: Partial<SshMachine> = {}): Promise<void> => {
    const stream = await machines.connect({ ...machine, ...changes }, AbortSignal.timeout(30_000));
    stream.destroy();
  };
  const remembered = (id: InstanceId): string => join(sshDir(home), 'hosts', id);
  return { machines, machine, sshd, visit, remembered, gone, warned };
}

function refusal(pattern: RegExp, hint: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof BerthError, String(error));
    assert.equal(error.code, 'forbidden');
    assert.match(error.message, pattern);
    assert.match(error.hint ?? '', hint);
    return true;
  };
}

test('the host key of the first contact counts; a change is refused, and said how to accept', async (t) => {
  const parts = await setup(t);
  if (parts === null) return;
  const { sshd, visit, machine, remembered } = parts;
  await visit();
  const file = remembered(machine.instance);
  assert.equal(readFileSync(file, 'utf8'), `${sshd.hostKey}\n`);
  await sshd.reboot();
  await visit();

  sshd.newHostKey();
  await sshd.reboot();
  const changed = refusal(
    /shows another host key than before, so nothing was sent to it/,
    new RegExp(`remove ${file}`),
  );
  await assert.rejects(visit(), changed);
  // An earlier server's memory is on disk, not in the process.
  await assert.rejects(visit(), changed);
  assert.deepEqual(sshd.agents(), []);
  rmSync(file);
  await visit();
});

test('a key of another type is a change as well', async (t) => {
  const parts = await setup(t);
  if (parts === null) return;
  await parts.visit();
  parts.sshd.newHostKey('ecdsa');
  await parts.sshd.reboot();
  await assert.rejects(parts.visit(), refusal(/shows another host key than before/, /remove/));
});

test('a key that the cloud tells counts from the start, and is not remembered', async (t) => {
  const parts = await setup(t);
  if (parts === null) return;
  const { sshd, visit, remembered, machine } = parts;
  const other = keyPairOfSeed(random(32), 'other').public;
  const told = (hostKeys: readonly string[]) => ({ address: { ...sshd.address, hostKeys } });
  await assert.rejects(visit(told([other])), refusal(/another host key than it was given/, /terminate it/));
  await visit(told([other, `${sshd.hostKey} with a comment`]));
  assert.equal(existsSync(remembered(machine.instance)), false);
});

test('a machine with a start script of ours must show the host key that the script gives it', async (t) => {
  const parts = await setup(t);
  if (parts === null) return;
  const { sshd, visit, machine } = parts;
  // The image's own, before the script has run.
  await assert.rejects(visit({ hasOurHostKey: true }), refusal(/another host key/, /its start script may not be done/));
  sshd.setHostKey(hostKeyOf(machine.instance, SECRET));
  await sshd.reboot();
  await visit({ hasOurHostKey: true });
});

test('of machines that are gone nothing is remembered', async (t) => {
  const parts = await setup(t);
  if (parts === null) return;
  const { visit, machine, gone, remembered } = parts;
  await visit();
  gone.add(machine.instance);
  const next = newId<'InstanceId'>(Date.now(), random);
  await visit({ instance: next });
  assert.deepEqual(readdirSync(join(remembered(next), '..')), [next]);
});

test('a connection ends with its stream, and the stream with its connection', async (t) => {
  const parts = await setup(t);
  if (parts === null) return;
  const { machines, machine, sshd } = parts;
  const stream = await machines.connect(machine, AbortSignal.timeout(30_000));
  assert.ok(sshd.connections > 0);
  stream.destroy();
  for (let i = 0; sshd.connections > 0; i++) {
    if (i === 500) assert.fail('the connection stays');
    await sleep(10);
  }
  const second = await machines.connect(machine, AbortSignal.timeout(30_000));
  const failed = new Promise<Error>((resolve) => second.once('error', resolve));
  sshd.dropConnections();
  assert.match((await failed).message, /The SSH connection to .* broke/);
});

test('why a machine cannot be reached is in the log once, and again after it could be', async (t) => {
  const parts = await setup(t);
  if (parts === null) return;
  const { sshd, visit, warned } = parts;
  await sshd.powerOff();
  for (let i = 0; i < 3; i++) await assert.rejects(visit());
  assert.equal(warned.length, 1);
  assert.match(warned[0] ?? '', /cannot be reached: nothing listens/);
  await sshd.boot();
  await visit();
  await sshd.powerOff();
  await assert.rejects(visit());
  assert.equal(warned.length, 2);
});
