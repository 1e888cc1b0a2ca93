import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { MARKER } from './machines/process-machine.ts';
import { processesWith } from './machines/process-table.ts';
import { newSshKeyPair } from './ssh-key-pair.ts';
import { startFluffyCloud } from './start.ts';
import { Client } from './testing/client.ts';
import { SshConnection } from './testing/ssh.ts';

const helloSchema = z.object({ url: z.string(), admin_token: z.string(), pid: z.number() });
type Hello = z.output<typeof helloSchema>;

describe('the cloud as a program', { skip: process.platform === 'linux' ? false : 'needs Linux' }, () => {
  let dir: string;
  let server: ChildProcess;
  let hello: Hello;
  let key: string;
  const keys = newSshKeyPair();

  const start = async (more: readonly string[] = []): Promise<void> => {
    const args = ['server.ts', '--data', dir, '--list-lag-ms', '0', '--rate', '1000', ...more];
    server = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] });
    if (server.stdout === null) throw new Error('its output is a pipe');
    const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
    hello = helloSchema.parse(JSON.parse(line));
  };
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    server.kill(signal);
    await once(server, 'exit');
  };
  const cli = (...args: readonly string[]): string =>
    execFileSync(process.execPath, ['cli.ts', ...args, '--data', dir], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const admin = (): Client => new Client(hello.url, hello.admin_token);

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'fluffy-'));
    key = cli('key', 'create', 'early');
    await start();
  });
  after(async () => {
    await admin()
      .call('DELETE', '/admin')
      .catch(() => {});
    rmSync(dir, { recursive: true, force: true });
  });

  test('its CLI makes keys, before it runs and while it runs, and takes them back', async () => {
    const refusal = (of: string): Promise<string> => new Client(hello.url, of).refusal('GET', '/v1/account');
    assert.equal(await refusal(key), '200');
    const late = cli('key', 'create', 'late', '--read-only', '--expires', '1h');
    assert.equal(await refusal(late), '200');
    const line = cli('key', 'list').split('\n')[1] ?? '';
    assert.match(line, /^fk-\w+ {2}late {2}read-only {2}expires 20/);
    cli('key', 'revoke', line.split(' ')[0] ?? '');
    assert.equal(await refusal(late), '401 key-revoked');
    assert.throws(() => cli('key', 'create', 'x', '--expires', 'soon'), /no duration/);
  });

  test('after kill -9 it finds its machines, keys and tokens again, and finishes what it had begun', async () => {
    const client = new Client(hello.url, key);
    const lasting = await client.launch({ client_token: 'lasting', ssh_public_keys: [keys.public] });
    const going = await client.launch({ client_token: 'going' });
    const before = await client.until(lasting.id, 'running');
    await client.until(going.id, 'running');
    const ssh = await SshConnection.open(before, keys.private);
    await client.call('DELETE', `/v1/instances/${going.id}`);
    const half = await client.launch({ client_token: 'half' });
    await kill('SIGKILL');
    // The machine does not notice.
    assert.equal((await ssh.exec('echo here')).stdout, 'here\n');
    ssh.close();

    const { admin_token } = hello;
    await start();
    assert.equal(hello.admin_token, admin_token);
    const again = new Client(hello.url, key);
    assert.deepEqual(await again.get(lasting.id), before);
    assert.equal((await again.launch({ client_token: 'lasting', ssh_public_keys: [keys.public] })).id, lasting.id);
    await again.until(going.id, 'terminated');
    await again.until(half.id, 'running');
    assert.deepEqual(readdirSync(join(dir, 'machines')).sort(), [half.id, lasting.id].sort());
    const back = await SshConnection.open(await again.get(lasting.id), keys.private);
    back.close();
  });

  test('killed at any moment of a boot, it never has two machines for one instance', async () => {
    for (const waitMs of [0, 30, 80, 150]) {
      const { id } = await new Client(hello.url, key).launch({ ssh_public_keys: [keys.public] });
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      await kill('SIGKILL');
      await start();
      const machine = await new Client(hello.url, key).until(id, 'running');
      const ssh = await SshConnection.open(machine, keys.private);
      const marker = (await ssh.exec('echo "$FLUFFY_MACHINE"')).stdout.trim();
      ssh.close();
      assert.equal(processesWith(MARKER, marker).length, 1, `after ${waitMs} ms`);
    }
  });

  test('TERM ends the API and leaves the machines; DELETE /admin ends all and removes it', async () => {
    await kill('SIGTERM');
    await start();
    const client = new Client(hello.url, key);
    const machine = (await client.list('status=running'))[0];
    assert.ok(machine !== undefined);
    const port = machine.ssh_port ?? 0;
    const socket = connect(port, '127.0.0.1').unref();
    await once(socket, 'connect');
    socket.destroy();
    const exit = once(server, 'exit');
    assert.equal((await admin().call('DELETE', '/admin')).status, 200);
    assert.deepEqual(await exit, [0, null]);
    assert.deepEqual(readdirSync(dir), []);
    await assert.rejects(once(connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
  });

  test('what it cannot start with is refused by name, and it ends: a flag, an absent Docker, a port that is taken', async () => {
    const occupied = await startFluffyCloud({ machines: 'paper' });
    const run = (...args: readonly string[]): string =>
      execFileSync(process.execPath, ['server.ts', '--data', dir, ...args], {
        cwd: import.meta.dirname,
        encoding: 'utf8',
        stdio: 'pipe',
        timeout: 10_000,
        env: { ...process.env, DOCKER_HOST: 'unix:///nowhere/docker.sock' },
      });
    assert.throws(() => run('--boot', '1'), /--boot/);
    assert.throws(() => run('--machines', 'vm'), /machines/);
    assert.throws(() => run('--machines', 'docker'), /nowhere\/docker.sock/);
    assert.throws(() => run('--port', new URL(occupied.url).port, '--machines', 'paper'), /EADDRINUSE/);
    await occupied.close();
  });
});
