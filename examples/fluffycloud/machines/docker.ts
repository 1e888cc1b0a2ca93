import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../instance.ts';
import { DockerEngine, DockerError } from './docker-engine.ts';
import type { MachineDriver, MachineSpec } from './driver.ts';
import { tarOf } from './tar.ts';

/** Made by image.sh. */
export const MACHINE_IMAGE = 'fluffycloud/machine:latest';
const CLOUD_LABEL = 'fluffycloud.cloud';
const INSTANCE_LABEL = 'fluffycloud.instance';
/** sshd waits for the machine's own Docker Engine, which takes half a second on an idle computer. */
const BOOT_LIMIT_MS = 60_000;
/** Then the machine's power is cut. */
const SHUTDOWN_S = 5;

/** Machines that are containers, each with sshd and a Docker Engine of its own. */
export class DockerMachines implements MachineDriver {
  readonly #engine = new DockerEngine();
  readonly #cloudId: string;
  readonly #network: string;
  #shared: Promise<{ readonly cpus: number; readonly memoryBytes: number }> | undefined;

  constructor(cloudId: string) {
    this.#cloudId = cloudId;
    this.#network = `fluffycloud-${cloudId}`;
  }

  async run(spec: MachineSpec): Promise<Address> {
    const name = `fluffycloud-${spec.id}`;
    this.#shared ??= this.#ensureShared();
    const computer = await this.#shared.catch((error: unknown) => {
      this.#shared = undefined;
      throw error;
    });
    await this.#create(spec, name, computer);
    await this.#engine.call('POST', `/containers/${name}/start`);
    const ip = await this.#ip(name);
    await this.#untilSshAnswers(spec.id, ip);
    return { ip, sshPort: 22, privateIp: ip };
  }

  async stop(id: string): Promise<void> {
    await this.#engine.callUnless([404], 'POST', `/containers/fluffycloud-${id}/stop?t=${SHUTDOWN_S}`);
  }

  async destroy(id: string): Promise<void> {
    // 409: it is being removed already; `list` shows it until it is gone.
    await this.#engine.callUnless([404, 409], 'DELETE', `/containers/fluffycloud-${id}?force=1&v=1`);
    while ((await this.list()).has(id)) await sleep(50);
  }

  async list(): Promise<ReadonlyMap<string, 'running' | 'stopped'>> {
    const filters = encodeURIComponent(JSON.stringify({ label: [`${CLOUD_LABEL}=${this.#cloudId}`] }));
    const containers = (await this.#engine.call('GET', `/containers/json?all=1&filters=${filters}`)) as readonly {
      readonly State: string;
      readonly Labels: Readonly<Record<string, string>>;
    }[];
    return new Map(
      containers.map((container) => [
        container.Labels[INSTANCE_LABEL] ?? '',
        container.State === 'running' ? 'running' : 'stopped',
      ]),
    );
  }

  async removeShared(): Promise<void> {
    await this.#engine.callUnless([404], 'DELETE', `/networks/${this.#network}`);
  }

  /** The machines' network; and what the computer has, which no machine may be promised more of. */
  async #ensureShared(): Promise<{ readonly cpus: number; readonly memoryBytes: number }> {
    await this.#engine.callUnless([409], 'POST', '/networks/create', {
      Name: this.#network,
      CheckDuplicate: true,
      Labels: { [CLOUD_LABEL]: this.#cloudId },
    });
    const info = (await this.#engine.call('GET', '/info')) as { readonly NCPU: number; readonly MemTotal: number };
    return { cpus: info.NCPU, memoryBytes: info.MemTotal };
  }

  async #create(
    spec: MachineSpec,
    name: string,
    computer: { readonly cpus: number; readonly memoryBytes: number },
  ): Promise<void> {
    try {
      await this.#engine.call('POST', `/containers/create?name=${name}`, {
        Image: MACHINE_IMAGE,
        Hostname: spec.name,
        Labels: { [CLOUD_LABEL]: this.#cloudId, [INSTANCE_LABEL]: spec.id },
        HostConfig: {
          NetworkMode: this.#network,
          NanoCpus: Math.min(spec.vcpus, computer.cpus) * 1e9,
          Memory: Math.min(spec.memoryMib * 2 ** 20, computer.memoryBytes),
          // What an engine inside a container needs. All but SYS_RESOURCE, which not every computer can give.
          CapAdd: ['ALL'],
          CapDrop: ['SYS_RESOURCE'],
          SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
          CgroupnsMode: 'host',
          Binds: ['/sys/fs/cgroup:/sys/fs/cgroup'],
        },
      });
    } catch (error) {
      if (error instanceof DockerError && error.status === 404) {
        throw new Error(`there is no image ${MACHINE_IMAGE}; make it with examples/fluffycloud/image.sh`);
      }
      // 409: there is one of that name. It was made for this instance and perhaps never got its files.
      if (!(error instanceof DockerError && error.status === 409)) throw error;
    }
    const files = [
      { path: 'etc/ssh/ssh_host_ed25519_key', mode: 0o600, content: spec.hostKey.private },
      { path: 'root/.ssh/authorized_keys', mode: 0o600, content: spec.sshPublicKeys.map((key) => `${key}\n`).join('') },
    ];
    if (spec.userData !== null) files.push({ path: 'etc/fluffy/user-data', mode: 0o700, content: spec.userData });
    if (await this.#neverRan(name)) await this.#engine.call('PUT', `/containers/${name}/archive?path=/`, tarOf(files));
  }

  /** Later the machine's disk is the user's. */
  async #neverRan(name: string): Promise<boolean> {
    const container = (await this.#engine.call('GET', `/containers/${name}/json`)) as {
      readonly State: { readonly Status: string };
    };
    return container.State.Status === 'created';
  }

  async #ip(name: string): Promise<string> {
    const container = (await this.#engine.call('GET', `/containers/${name}/json`)) as {
      readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
    };
    const ip = container.NetworkSettings.Networks[this.#network]?.IPAddress ?? '';
    if (ip === '') throw new Error(`the machine ${name} has no address: it ended at once`);
    return ip;
  }

  async #untilSshAnswers(id: string, ip: string): Promise<void> {
    for (const startedAt = performance.now(); performance.now() - startedAt < BOOT_LIMIT_MS; await sleep(20)) {
      if (await answersSsh(ip)) return;
      if ((await this.list()).get(id) !== 'running') throw new Error(`machine ${id} ended while it booted`);
    }
    throw new Error(`machine ${id} does not answer at ${ip}:22`);
  }
}

function answersSsh(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 22, timeout: 1_000 });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (banner) => end(banner.toString('latin1').startsWith('SSH-2.0')));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
    socket.once('close', () => end(false));
  });
}
