import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { newSshKeyPair } from '../ssh-key-pair.ts';
import type { FluffyCloud } from '../start.ts';
import { startFluffyCloud } from '../start.ts';
import type { Seen } from '../testing/client.ts';
import { Client } from '../testing/client.ts';
import { SshConnection } from '../testing/ssh.ts';
import { MACHINE_IMAGE } from './docker.ts';
import { DockerEngine } from './docker-engine.ts';

/** Made by .ci/docker.sh. */
const BUSYBOX = 'berth-test/busybox:latest';

/** False, or why the tests cannot run; where BERTH_TEST_PARTS names `docker` they run all the same, and fail. */
async function whyNot(): Promise<string | false> {
  if ((process.env['BERTH_TEST_PARTS'] ?? '').split(',').includes('docker')) return false;
  try {
    for (const image of [MACHINE_IMAGE, BUSYBOX]) await new DockerEngine().call('GET', `/images/${image}/json`);
    return false;
  } catch (error) {
    return `needs Docker, .ci/docker.sh and .ci/fluffycloud-image.sh: ${error instanceof Error ? error.message : error}`;
  }
}

describe('a machine that is a container', { skip: await whyNot() }, () => {
  const keys = newSshKeyPair();
  const engine = new DockerEngine();
  let cloud: FluffyCloud;
  let client: Client;
  let machine: Seen;

  const launch = async (more: Readonly<Record<string, unknown>> = {}): Promise<Seen> => {
    const { id } = await client.launch({ ssh_public_keys: [keys.public], instance_type: 'puff.medium', ...more });
    return client.until(id, 'running', 60_000);
  };
  const on = async (where: Seen, command: string): Promise<string> => {
    const ssh = await SshConnection.open(where, keys.private);
    const { code, stdout, stderr } = await ssh.exec(command);
    ssh.close();
    assert.equal(code, 0, `${command}: ${stdout}${stderr}`);
    return stdout;
  };

  before(async () => {
    cloud = await startFluffyCloud({ machines: 'docker', rate: 1_000, bootMs: 0, listLagMs: 0 });
    client = new Client(cloud.url, cloud.createKey());
    machine = await launch({ user_data: '#!/bin/bash\necho "$(id -u) $PWD" >>/root/booted\n' });
  });
  after(() => cloud.close());

  test('has sshd on port 22 of an address of its own, with the host key that the API told, for the given keys alone', async () => {
    assert.deepEqual([machine.ssh_port, machine.ip === '127.0.0.1'], [22, false]);
    assert.equal((await on(machine, 'whoami; hostname')).trim(), 'root\npuff-1');
    await assert.rejects(SshConnection.open(machine, newSshKeyPair().private), /authentication/);
  });

  test('runs containers of its own as soon as it runs', async () => {
    const ssh = await SshConnection.open(machine, keys.private);
    await ssh.exec('docker load', (stdin) => spawn('docker', ['save', BUSYBOX]).stdout.pipe(stdin));
    ssh.close();
    assert.equal(await on(machine, `docker run --rm -m 64m ${BUSYBOX} echo inside`), 'inside\n');
  });

  test('has the memory of its type and no more', async () => {
    const limit = await on(
      machine,
      'cat /sys/fs/cgroup/memory$(sed -n "s/.*:memory://p" /proc/self/cgroup)/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup$(sed -n "s/^0:://p" /proc/self/cgroup)/memory.max',
    );
    assert.equal(Number(limit), 4 * 2 ** 30);
  });

  test('reaches another one at its private address', async () => {
    const other = await launch({ name: 'other', instance_type: 'puff.small' });
    assert.match(
      await on(machine, `exec 3<>/dev/tcp/${other.private_ip}/22; head -n 1 <&3`.replace(/.*/, 'bash -c "$&"')),
      /^SSH-2/,
    );
    await client.call('DELETE', `/v1/instances/${other.id}`);
    await client.until(other.id, 'terminated');
  });

  test('runs user_data once, as root; disk, images and host key outlive a stop', async () => {
    await on(machine, 'echo kept >/root/file');
    await client.call('POST', `/v1/instances/${machine.id}/stop`);
    await client.until(machine.id, 'stopped');
    await assert.rejects(SshConnection.open(machine, keys.private));
    await client.call('POST', `/v1/instances/${machine.id}/start`);
    const again = await client.until(machine.id, 'running', 60_000);
    assert.equal(again.ssh_host_key, machine.ssh_host_key);
    assert.equal(await on(again, 'cat /root/booted /root/file'), '0 /root\nkept\n');
    assert.match(await on(again, 'docker images'), /berth-test\/busybox/);
    machine = again;
  });

  test('is found again by another process of the cloud', async () => {
    await cloud.stop();
    cloud = await startFluffyCloud({
      machines: 'docker',
      rate: 1_000,
      bootMs: 0,
      listLagMs: 0,
      dataDir: cloud.dataDir,
    });
    client = new Client(cloud.url, client.key);
    assert.deepEqual(await client.get(machine.id), machine);
    await on(machine, 'true');
  });

  test('that dies by itself has failed; a terminated one leaves nothing, nor does the cloud', async () => {
    await engine.call('POST', `/containers/fluffycloud-${machine.id}/kill`);
    assert.equal((await client.until(machine.id, 'terminated')).status_reason, 'host-failure');
    await launch();
    await cloud.close();
    const labelled = encodeURIComponent(JSON.stringify({ label: ['fluffycloud.cloud'] }));
    assert.deepEqual(await engine.call('GET', `/containers/json?all=1&filters=${labelled}`), []);
    assert.deepEqual(await engine.call('GET', `/networks?filters=${labelled}`), []);
  });
});
