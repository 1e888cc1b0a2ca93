import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { testAssignment } from '@berth/agent/testing/assignment';
import { TestServer } from '@berth/agent/testing/test-server';
import { BerthError } from '@berth/core/errors';
import { type InstanceId, newId } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import { type Home, homeAt, prepareHome } from '../config/home.ts';
import { installationKey } from '../start/installation-key.ts';
import { QUIET_LOG } from '../testing/quiet-log.ts';
import { OUR_NODE, requireSshd, type SshdOptions, TestSshd, tools } from '../testing/sshd.ts';
import type { SshAddress } from './ssh-link.ts';
import { SshMachines } from './ssh-machines.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const SECRET = 'open sesame, and tell nobody';

describe('an agent on a machine with nothing but sshd', { concurrency: 2 }, () => {
  let home: Home;
  let machines: SshMachines;

  before(() => {
    home = homeAt(mkdtempSync(join(tmpdir(), 'berth-home-')));
    prepareHome(home);
    machines = new SshMachines({ home, random, log: QUIET_LOG, isGone: async () => false });
  });
  after(() => rmSync(home.root, { recursive: true, force: true }));

  async function sshd(t: TestContext, options: Partial<SshdOptions> = {}): Promise<TestSshd | null> {
    if (!(await requireSshd(t))) return null;
    return await TestSshd.start(t, { authorizedKeys: [installationKey(home, random).public], ...options });
  }

  /** Machines of one test, so that it does not profit from what another has made known. */
  const instance = (): InstanceId => newId<'InstanceId'>(Date.now(), random);

  async function link(
    t: TestContext,
    address: SshAddress,
    id: InstanceId,
    using: SshMachines = machines,
  ): Promise<TestServer> {
    const machine = { instance: id, address, secret: new Secret(SECRET), hasOurHostKey: false };
    const stream = await using.connect(machine, AbortSignal.timeout(60_000));
    const server = new TestServer(id);
    await server.connect(stream, SECRET);
    t.after(() => server.link.close());
    return server;
  }

  it('gets Node and the agent, closed to others; jobs run there, and its secret is in no command line', async (t) => {
    // A Node that is too old must not be used.
    const machine = await sshd(t, { path: `${tools(t, { node: 'echo v20.19.0' })}:/usr/bin:/bin` });
    if (machine === null) return;
    const server = await link(t, machine.address, instance());
    const bin = join(machine.home, '.berth-agent', 'bin');
    assert.deepEqual(
      readdirSync(bin).map((name) => name.replace(/[0-9a-f]{64}/, 'SHA256')),
      ['agent-SHA256.mjs', 'node-SHA256'],
    );
    for (const name of readdirSync(bin)) assert.equal(statSync(join(bin, name)).mode & 0o777, 0o700);
    assert.equal(statSync(join(machine.home, '.berth-agent')).mode & 0o777, 0o700);
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
      assert.ok(!read(`/proc/${pid}/cmdline`).includes(SECRET));
    }
    assert.ok(!filesBelow(join(machine.home, '.berth-agent'), 1_000_000).some((file) => read(file).includes(SECRET)));

    const assignment = testAssignment({ commands: ['echo "I am at $HOME"', 'seq 20000', 'exit 3'] });
    const ended = await server.run(assignment);
    assert.equal(ended.exitStatus, 3);
    assert.match(String(server.logOf(assignment.job)), /19999\n20000\n$/);
    assert.deepEqual(server.faults, []);
  });

  it('is left alone when it runs: a second link starts nothing and sends nothing', async (t) => {
    const machine = await sshd(t);
    if (machine === null) return;
    const id = instance();
    const first = await link(t, machine.address, id);
    const sent = inodes(machine);
    // Another server, or this one after a restart: it knows nothing of the machine.
    const other = new SshMachines({ home, random, log: QUIET_LOG, isGone: async () => false });
    const second = await link(t, machine.address, id, other);
    assert.equal(second.link.agent.bootId, first.link.agent.bootId);
    assert.equal(machine.agents().length, 1);
    assert.deepEqual(inodes(machine), sent);
  });

  it('is one, although two servers come at the same time', async (t) => {
    const machine = await sshd(t, { path: `${tools(t, { node: OUR_NODE })}:/usr/bin:/bin` });
    if (machine === null) return;
    const id = instance();
    const other = new SshMachines({ home, random, log: QUIET_LOG, isGone: async () => false });
    const linked = await Promise.all([link(t, machine.address, id), link(t, machine.address, id, other)]);
    assert.equal(new Set(linked.map((server) => server.link.agent.bootId)).size, 1);
    await until('the one that came second has ended', () => machine.agents().length === 1);
  });

  it('is started again when it died, and when the machine did; its files are there already', async (t) => {
    const machine = await sshd(t);
    if (machine === null) return;
    const id = instance();
    const first = await link(t, machine.address, id);
    const sent = inodes(machine);
    for (const pid of machine.agents()) process.kill(pid, 'SIGKILL');
    await first.until('the link is gone', () => first.closes === 1);
    const second = await link(t, machine.address, id);
    assert.notEqual(second.link.agent.bootId, first.link.agent.bootId);

    await machine.powerOff();
    await second.until('the link is gone', () => second.closes === 1);
    await assert.rejects(link(t, machine.address, id), /nothing listens on this port/);
    await machine.boot();
    const third = await link(t, machine.address, id);
    assert.notEqual(third.link.agent.bootId, second.link.agent.bootId);
    assert.deepEqual(inodes(machine), sent);
  });

  it('runs on the Node of the machine where that is new enough, without gzip and setsid', async (t) => {
    const few = [
      'sh',
      'uname',
      'sed',
      'cat',
      'grep',
      'mkdir',
      'find',
      'rm',
      'chmod',
      'mv',
      'sync',
      'sha256sum',
      'nohup',
    ];
    const machine = await sshd(t, { path: tools(t, { node: OUR_NODE }, few) });
    if (machine === null) return;
    await link(t, machine.address, instance());
    const names = readdirSync(join(machine.home, '.berth-agent', 'bin')).map((name) => name.slice(0, 6));
    assert.deepEqual(names, ['agent-']);
  });

  it('comes up although the login shell talks', async (t) => {
    const machine = await sshd(t, { path: `${tools(t, { node: OUR_NODE })}:/usr/bin:/bin` });
    if (machine === null) return;
    writeFileSync(join(machine.home, '.bashrc'), 'echo "Welcome! You have mail."; echo "also here" >&2\n');
    await link(t, machine.address, instance());
  });

  it('is reached over a long way; its log comes whole', async (t) => {
    const machine = await sshd(t, { path: `${tools(t, { node: OUR_NODE })}:/usr/bin:/bin` });
    if (machine === null) return;
    const port = await way(t, machine.port, { delayMs: 60 });
    const server = await link(t, { ...machine.address, port }, instance());
    const assignment = testAssignment({ commands: ['head -c 20000000 /dev/zero'] });
    const ended = await server.run(assignment);
    assert.equal(ended.logBytes, 20_000_000);
    assert.deepEqual(server.faults, []);
  });

  it('does not go to a machine of another architecture', async (t) => {
    const machine = await sshd(t, {
      path: `${tools(t, { uname: '[ "$1" = -s ] && echo Linux || echo riscv64', node: 'echo v18.0.0' })}:/usr/bin:/bin`,
    });
    if (machine === null) return;
    await assert.rejects(
      link(t, machine.address, instance()),
      refusal(
        'not-supported',
        /is Linux riscv64, and this server, linux \w+, has no program for it/,
        /Install Node 24/,
      ),
    );
    assert.equal(existsSync(join(machine.home, '.berth-agent')), false);
  });

  it('that does not come up says why', async (t) => {
    const path = `${tools(t, { node: 'test "$1" = --version && echo v24.1.0 || { echo "no such luck"; exit 1; }' })}:/usr/bin:/bin`;
    const machine = await sshd(t, { path });
    if (machine === null) return;
    await assert.rejects(
      link(t, machine.address, instance()),
      refusal('unavailable', /does not come up; it said: no such luck/, /glibc/),
    );
  });

  it('cannot be reached where sshd forwards no streams, and the setting is named', async (t) => {
    const config = ['AllowStreamLocalForwarding no'];
    const machine = await sshd(t, { config, path: `${tools(t, { node: OUR_NODE })}:/usr/bin:/bin` });
    if (machine === null) return;
    await assert.rejects(
      link(t, machine.address, instance()),
      refusal('unavailable', /does not let us through to .*agent\.sock/, /AllowStreamLocalForwarding yes/),
    );
  });

  it('is not put where there is no room, and nothing of it is left', async (t) => {
    const machine = await sshd(t);
    if (machine === null) return;
    writeFileSync(join(machine.home, '.bashrc'), 'ulimit -f 1000\n'); // in kB or half of that, of a file
    await assert.rejects(
      link(t, machine.address, instance()),
      refusal('unavailable', /node-\w+ could not be put there .*File size limit|too large/s, /free disk space/),
    );
    assert.deepEqual(readdirSync(join(machine.home, '.berth-agent', 'bin')), []);
    rmSync(join(machine.home, '.bashrc'));
    await link(t, machine.address, instance());
  });

  it('that was cut off on its way leaves nothing, and comes whole the next time', async (t) => {
    const machine = await sshd(t);
    if (machine === null) return;
    const id = instance();
    const cut = await way(t, machine.port, { cutAfter: 8_000_000 });
    await assert.rejects(
      link(t, { ...machine.address, port: cut }, id),
      refusal('unavailable', /The SSH connection to .* broke/, /^$/),
    );
    const bin = join(machine.home, '.berth-agent', 'bin');
    await until('the half file is gone', () => readdirSync(bin).length === 0);
    await link(t, machine.address, id);
  });

  it('is stopped on its way by the signal, and leaves nothing', async (t) => {
    const machine = await sshd(t);
    if (machine === null) return;
    const stop = new AbortController();
    const secret = new Secret(SECRET);
    const target = { instance: instance(), address: machine.address, secret, hasOurHostKey: false };
    const connecting = machines.connect(target, stop.signal);
    connecting.catch(() => undefined);
    const bin = join(machine.home, '.berth-agent', 'bin');
    await until('it is on its way', () => existsSync(bin) && readdirSync(bin).some((name) => name.startsWith('.part')));
    stop.abort(new Error('enough'));
    await assert.rejects(connecting, /enough/);
    await until('the half file is gone', () => readdirSync(bin).length === 0);
  });
});

const inodes = (machine: TestSshd): readonly number[] => {
  const bin = join(machine.home, '.berth-agent', 'bin');
  return readdirSync(bin).map((name) => statSync(join(bin, name)).ino);
};

function filesBelow(dir: string, limitBytes: number): readonly string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size < limitBytes);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // of a process that has ended
  }
}

function refusal(code: string, pattern: RegExp, hint: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof BerthError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    assert.match(error.hint ?? '', hint);
    return true;
  };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    if (i === 1_000) assert.fail(`waited in vain until ${what}`);
    await sleep(10);
  }
}

/** A way to a port that is long, or is cut when so many bytes have gone there. Returns its own port. */
async function way(t: TestContext, port: number, options: { cutAfter?: number; delayMs?: number }): Promise<number> {
  const { cutAfter = Number.POSITIVE_INFINITY, delayMs = 0 } = options;
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    let gone = 0;
    near.on('data', (chunk: Buffer) => {
      gone += chunk.length;
      if (gone > cutAfter) near.destroy();
    });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => undefined);
      from.on('data', (chunk: Buffer) => {
        if (delayMs === 0) to.write(chunk);
        else setTimeout(() => to.write(chunk), delayMs);
      });
      from.on('close', () => to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
