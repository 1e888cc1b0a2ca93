import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { partIsHere } from '@berth/core/testing/parts';
import type { SshAddress } from '../agents/ssh-link.ts';
import type { SshKeyPair } from '../start/ssh-key.ts';

/** OpenSSH's server wants to be started by its whole path. */
const SSHD = '/usr/sbin/sshd';

/** False: the test is skipped, or fails where the part was promised, see `partIsHere`. */
export async function requireSshd(t: TestContext): Promise<boolean> {
  return partIsHere(t, 'ssh', existsSync(SSHD) ? null : `there is no ${SSHD} (.ci/ssh.sh installs it)`);
}

/** Something with an `after` hook: a test's context, or a suite. */
interface Cleanup {
  after(hook: () => Promise<void>): void;
}

export interface SshdOptions {
  readonly authorizedKeys: readonly string[];
  /** Lines for its configuration. */
  readonly config?: readonly string[];
  /** What logins see before everything else. */
  readonly path?: string;
}

/**
 * A machine that is elsewhere, as far as SSH can tell: a real OpenSSH server on a loopback port, whose logins
 * have a home directory of their own. It goes with the test, and so do the agents that were started on it.
 */
export class TestSshd {
  /** Of its logins. Short: a unix socket lies in it. */
  readonly home: string;
  readonly port: number;
  readonly #dir: string;
  #child: ChildProcess | null = null;
  #log = '';

  private constructor(dir: string, port: number) {
    this.#dir = dir;
    this.home = join(dir, 'h');
    this.port = port;
  }

  static async start(t: Cleanup, options: SshdOptions): Promise<TestSshd> {
    const sshd = new TestSshd(await mkdtemp(join(tmpdir(), 'berth-sshd-')), await freePort());
    t.after(async () => await sshd.#cleanUp());
    mkdirSync(sshd.home);
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
    sshd.newHostKey();
    writeFileSync(sshd.keysFile, `${options.authorizedKeys.join('\n')}\n`, { mode: 0o600 });
    const path = options.path ?? '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';
    const lines = [
      ...(options.config ?? []), // the first one of a name counts
      `Port ${sshd.port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${join(sshd.#dir, 'host_key')}`,
      `AuthorizedKeysFile ${sshd.keysFile}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PrintMotd no',
      'MaxStartups 200',
      `SetEnv HOME=${sshd.home} PATH=${path}`,
    ];
    writeFileSync(join(sshd.#dir, 'config'), `${lines.join('\n')}\n`);
    await sshd.boot();
    return sshd;
  }

  get address(): SshAddress {
    return { kind: 'ssh', host: '127.0.0.1', port: this.port, user: userInfo().username, hostKeys: [] };
  }

  /** In OpenSSH's form, without a comment. */
  get hostKey(): string {
    return readFileSync(join(this.#dir, 'host_key.pub'), 'utf8').split(' ').slice(0, 2).join(' ').trim();
  }

  /** The lines in it are let in. */
  get keysFile(): string {
    return join(this.#dir, 'keys');
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** Counts from the next boot on. */
  newHostKey(type = 'ed25519'): void {
    const path = join(this.#dir, 'host_key');
    for (const old of [path, `${path}.pub`]) rmSync(old, { force: true });
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', path]);
  }

  /** The given one; counts from the next boot on. */
  setHostKey(pair: SshKeyPair): void {
    const path = join(this.#dir, 'host_key');
    rmSync(path);
    writeFileSync(path, pair.private.reveal(), { mode: 0o600 });
    writeFileSync(`${path}.pub`, pair.public);
  }

  async reboot(): Promise<void> {
    await this.powerOff();
    await this.boot();
  }

  /** As a network that breaks: agents do not notice. */
  dropConnections(): void {
    for (const pid of this.#sessions()) kill(pid);
  }

  /** Processes of connections that are open. */
  get connections(): number {
    return this.#sessions().length;
  }

  /** Starts the server. Resolves when it listens. */
  async boot(): Promise<void> {
    const child = spawn(SSHD, ['-D', '-e', '-f', join(this.#dir, 'config')], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    const from = this.#log.length;
    for (let i = 0; !this.#log.slice(from).includes('Server listening'); i++) {
      if (i === 200 || child.exitCode !== null) throw new Error(`sshd does not come up: ${this.#log}`);
      await sleep(25);
    }
  }

  /** As a power cut: server, connections and agents are gone; files stay. */
  async powerOff(): Promise<void> {
    for (const pid of this.agents()) kill(pid);
    this.dropConnections();
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Processes of agents that run here. */
  agents(): readonly number[] {
    const found: number[] = [];
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const words = commandLine(Number(entry));
      if (words.includes('--socket') && words.some((word) => word.startsWith(this.home))) found.push(Number(entry));
    }
    return found;
  }

  /** One process (or two) for each connection. */
  #sessions(): readonly number[] {
    const children = new Map<number, number[]>();
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      try {
        const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, 'utf8'))?.[1]);
        children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
      } catch {
        // It has ended.
      }
    }
    const below = (pid: number): number[] => (children.get(pid) ?? []).flatMap((child) => [child, ...below(child)]);
    return below(this.pid);
  }

  async #cleanUp(): Promise<void> {
    await this.powerOff();
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

/** A directory with programs: scripts by their text, and links to those of this machine. */
export function tools(
  t: TestContext,
  scripts: Readonly<Record<string, string>>,
  links: readonly string[] = [],
): string {
  const dir = mkdtempSync(join(tmpdir(), 'berth-tools-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(dir, name), 0o755);
  }
  for (const name of links) {
    const found = ['/bin', '/usr/bin'].map((place) => join(place, name)).find((path) => existsSync(path));
    if (found === undefined) throw new Error(`This machine has no ${name}.`);
    symlinkSync(found, join(dir, name));
  }
  return dir;
}

/** For `tools`: a `node` that is as new as the one of the tests. */
export const OUR_NODE = `exec '${process.execPath}' "$@"`;

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function commandLine(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port.');
  return address.port;
}
