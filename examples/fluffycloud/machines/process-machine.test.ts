import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newSshKeyPair } from '../ssh-key-pair.ts';
import type { FluffyCloud } from '../start.ts';
import { startFluffyCloud } from '../start.ts';
import type { Seen } from '../testing/client.ts';
import { Client } from '../testing/client.ts';
import { Impostor, SshConnection } from '../testing/ssh.ts';
import { startTicksOf } from './process-table.ts';

const UPLOAD_BYTES = 150_000_000;

describe('a machine that is a process', { skip: process.platform === 'linux' ? false : 'needs Linux' }, () => {
  const keys = newSshKeyPair();
  let cloud: FluffyCloud;
  let client: Client;
  let machine: Seen;

  const launch = async (more: Readonly<Record<string, unknown>> = {}): Promise<Seen> => {
    const { id } = await client.launch({ ssh_public_keys: [keys.public], ...more });
    return client.until(id, 'running');
  };
  const on = async <T>(where: Seen, what: (ssh: SshConnection) => Promise<T>): Promise<T> => {
    const ssh = await SshConnection.open(where, keys.private);
    try {
      return await what(ssh);
    } finally {
      ssh.close();
    }
  };
  const cycle = async (id: string): Promise<Seen> => {
    await client.call('POST', `/v1/instances/${id}/stop`);
    await client.until(id, 'stopped');
    await client.call('POST', `/v1/instances/${id}/start`);
    return client.until(id, 'running');
  };

  before(async () => {
    cloud = await startFluffyCloud({ machines: 'process', rate: 1_000, bootMs: 0, stopMs: 0, listLagMs: 0 });
    client = new Client(cloud.url, cloud.createKey());
    machine = await launch({ user_data: '#!/bin/sh\necho once >> "$HOME/booted"\necho said\n' });
  });
  after(() => cloud.close());

  test('runs commands in its HOME, with input, both outputs and the exit code', async () => {
    const result = await on(machine, (ssh) =>
      ssh.exec('cat; echo "$HOME"; pwd; echo wrong >&2; exit 7', (stdin) => stdin.end('input\n')),
    );
    const home = join(cloud.dataDir, 'machines', machine.id, 'home');
    assert.deepEqual(result, { code: 7, stdout: `input\n${home}\n${home}\n`, stderr: 'wrong\n' });
  });

  test('lets in the keys that were given with the launch, and no other', async () => {
    await assert.rejects(SshConnection.open(machine, newSshKeyPair().private), /authentication/);
    const impostor = new Impostor(keys.public, newSshKeyPair().private);
    await assert.rejects(SshConnection.open(machine, impostor), /authentication/);
    const locked = await launch({ ssh_public_keys: [] });
    await assert.rejects(SshConnection.open(locked, keys.private), /authentication/);
  });

  test('shows the host key that the API told, another machine another', async () => {
    const other = await launch();
    assert.notEqual(other.ssh_host_key, machine.ssh_host_key);
    await assert.rejects(
      SshConnection.open({ ...other, ssh_host_key: machine.ssh_host_key }, keys.private),
      /verification/,
    );
  });

  test('takes an upload of 150 MB whole', async () => {
    const data = randomBytes(UPLOAD_BYTES);
    const result = await on(machine, (ssh) => ssh.exec('sha256sum', (stdin) => stdin.end(data)));
    assert.equal(result.stdout.split(' ')[0], createHash('sha256').update(data).digest('hex'));
  });

  test('a command that does not read its input ends all the same', async () => {
    const result = await on(machine, (ssh) =>
      ssh.exec('exec 0<&-; echo done', (stdin) => stdin.end(randomBytes(20_000_000))),
    );
    assert.deepEqual(result, { code: 0, stdout: 'done\n', stderr: '' });
  });

  test('connects to a unix socket and to a port, and says so when nobody listens there', async () => {
    const greeter = createServer((socket) => socket.end('hello'));
    const path = join(cloud.dataDir, 'greeter.sock');
    await new Promise<void>((resolve) => greeter.listen(path, resolve));
    const port = await new Promise<number>((resolve) => {
      const tcp = createServer((socket) => socket.end('hello tcp')).listen(0, machine.private_ip ?? '', () => {
        tcp.unref();
        resolve((tcp.address() as { readonly port: number }).port);
      });
    });
    try {
      await on(machine, async (ssh) => {
        assert.equal(await text(await ssh.streamLocal(path)), 'hello');
        assert.equal(await text(await ssh.tcp(machine.private_ip ?? '', port)), 'hello tcp');
        await assert.rejects(ssh.streamLocal(`${path}.none`), /open failure/i);
        await assert.rejects(ssh.tcp('127.0.0.1', 1), /open failure/i);
      });
    } finally {
      greeter.close();
    }
  });

  test('runs user_data at its first boot and never again; the disk outlives a stop', async () => {
    await on(machine, (ssh) => ssh.exec('echo kept > file'));
    const again = await cycle(machine.id);
    assert.equal(again.ssh_host_key, machine.ssh_host_key);
    await sleep(100);
    const { stdout } = await on(again, (ssh) => ssh.exec('cat booted file user-data.log'));
    assert.equal(stdout, 'once\nkept\nsaid\n');
    machine = again;
  });

  test('a stop ends everything on it, also what has detached itself', async () => {
    const { stdout } = await on(machine, (ssh) =>
      ssh.exec('(setsid sh -c "trap : TERM; echo \\$\\$; exec >&- 2>&-; while :; do sleep 0.1; done" &)'),
    );
    const pid = Number(stdout);
    assert.notEqual(startTicksOf(pid), null);
    machine = await cycle(machine.id);
    assert.equal(startTicksOf(pid), null);
  });

  test('a terminated one leaves neither process nor file', async () => {
    const { id, ssh_port } = await launch();
    await client.call('DELETE', `/v1/instances/${id}`);
    await client.until(id, 'terminated');
    assert.ok(!existsSync(join(cloud.dataDir, 'machines', id)));
    await assert.rejects(SshConnection.open({ ...machine, ssh_port }, keys.private), /ECONNREFUSED/);
  });

  test('one that dies by itself is reported as failed', async () => {
    const dying = await launch();
    await on(dying, (ssh) => ssh.exec('kill -9 $PPID')).catch(() => {});
    assert.equal((await client.until(dying.id, 'terminated')).status_reason, 'host-failure');
  });
});
