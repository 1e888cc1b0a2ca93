import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { InstanceId } from '@berth/core/ids';
import { removeContainer } from '../container-execution.ts';
import { DockerClient, dockerSocketPath } from '../docker-client.ts';
import { ownContainers } from '../job-recovery.ts';
import { TEST_SECRET, TestServer } from './test-server.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** Something with an `after` hook: a test's context, or a suite. */
export interface Cleanup {
  after(hook: () => Promise<void>): void;
}

export interface TestAgentOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where its directory is made. Default: the system's place for temporary files. */
  readonly under?: string;
}

/** A real agent in a process of its own, in a directory that goes with the test. */
export class TestAgent {
  readonly root: string;
  /** Of its own: what Docker has of other tests' agents is none of its business. */
  readonly instance: InstanceId;
  readonly dir: string;
  readonly socketPath: string;
  readonly #options: TestAgentOptions;
  #child: ChildProcess | null = null;

  private constructor(root: string, options: TestAgentOptions) {
    this.root = root;
    this.instance = `i-${basename(root).toLowerCase()}` as InstanceId; // unique as the directory is
    this.dir = join(root, 'agent');
    this.socketPath = join(root, 'run', 'agent.sock');
    this.#options = options;
  }

  static async start(t: Cleanup, options: TestAgentOptions = {}): Promise<TestAgent> {
    const agent = new TestAgent(await mkdtemp(join(options.under ?? tmpdir(), 'berth-agent-')), options);
    t.after(async () => await agent.#cleanUp());
    await agent.spawn();
    return agent;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** Starts the program again in the same directory; resolves when it listens. */
  async spawn(): Promise<void> {
    this.#child = this.launch();
    for (let attempt = 0; attempt < 400; attempt++) {
      if (this.#child.exitCode !== null) throw new Error(`The agent ended with ${this.#child.exitCode}.`);
      if (await this.#answers()) return;
      await sleep(25);
    }
    throw new Error('The agent did not come up.');
  }

  /** Only starts a process; it may well refuse. */
  launch(stdio: 'inherit' | 'pipe' = 'inherit'): ChildProcess {
    const args = ['--dir', this.dir, '--socket', this.socketPath, '--instance', this.instance];
    return spawn(process.execPath, [MAIN, ...args, ...(this.#options.args ?? [])], {
      env: { ...process.env, ...this.#options.env, BERTH_AGENT_SECRET: TEST_SECRET },
      stdio: ['ignore', stdio, stdio],
    });
  }

  async connect(server = new TestServer(this.instance)): Promise<TestServer> {
    await server.connect({ socketPath: this.socketPath });
    return server;
  }

  /** `kill -9`, and resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Resolves with its exit status. */
  async exited(): Promise<number | null> {
    const child = this.#child;
    if (child === null) return null;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  }

  /** Resident memory, in bytes. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  }

  async #answers(): Promise<boolean> {
    const socket = connect(this.socketPath);
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#child?.kill(signal);
    await this.exited();
  }

  async #cleanUp(): Promise<void> {
    await this.#end('SIGKILL');
    const docker = new DockerClient(dockerSocketPath(process.env));
    const containers = await ownContainers(docker, this.instance).catch(() => []);
    for (const job of containers) await removeContainer(docker, job);
    await rm(this.root, { recursive: true, force: true });
  }
}
