/** A Berth of its own for a test: an empty BERTH_HOME, the real command line, and an end without traces. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '..');
const BERTH = join(ROOT, 'packages', 'cli', 'bin', 'berth.js');

export interface Finished {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Everything that a person would have seen, for messages of assertions. */
  readonly seen: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** What has come on stdout so far. */
  stdout(): string;
  stderr(): string;
}

export class Home {
  readonly dir: string;
  /** The folder in which commands run. */
  readonly work: string;

  constructor() {
    // Short: paths of unix sockets have about 100 bytes.
    this.dir = mkdtempSync(join(tmpdir(), 'bh-'));
    this.work = mkdtempSync(join(tmpdir(), 'bw-'));
  }

  async write(name: string, text: string): Promise<void> {
    await writeFile(join(this.work, name), text);
  }

  start(
    args: readonly string[],
    options: { env?: Record<string, string>; stdin?: string; cwd?: string } = {},
  ): Running {
    const env: NodeJS.ProcessEnv = { ...process.env, BERTH_HOME: this.dir, NO_COLOR: '1', ...options.env };
    for (const name of ['BERTH_SERVER_URL', 'BERTH_TOKEN', 'BERTH_PROJECT'])
      if (options.env?.[name] === undefined) delete env[name];
    const child = spawn(process.execPath, [BERTH, ...args], { cwd: options.cwd ?? this.work, env, stdio: 'pipe' });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.end(options.stdin ?? '');
    const finished = new Promise<Finished>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        const stdout = Buffer.concat(out);
        const stderr = Buffer.concat(err).toString();
        resolve({
          code: code ?? (signal === null ? -1 : 128),
          stdout,
          stderr,
          seen: `${stdout.subarray(0, 4000)}\n${stderr}`,
        });
      });
    });
    return {
      child,
      finished,
      stdout: () => Buffer.concat(out).toString(),
      stderr: () => Buffer.concat(err).toString(),
    };
  }

  async berth(args: readonly string[], options: Parameters<Home['start']>[1] = {}): Promise<Finished> {
    return this.start(args, options).finished;
  }

  /** The command's JSON; throws with what was seen when it failed. */
  async json<T>(args: readonly string[]): Promise<T> {
    const { code, stdout, seen } = await this.berth([...args, '--json']);
    if (code !== 0) throw new Error(`berth ${args.join(' ')} exited ${code}:\n${seen}`);
    return JSON.parse(stdout.toString()) as T;
  }

  serverPid(): number {
    return this.#server().pid;
  }

  serverUrl(): string {
    return this.#server().url;
  }

  #server(): { readonly pid: number; readonly url: string } {
    const file = join(this.dir, 'server', 'server.json');
    if (!existsSync(file)) throw new Error('no server is running');
    return JSON.parse(readFileSync(file, 'utf8')) as { pid: number; url: string };
  }

  /** The server dies at once, without any farewell. */
  async killServer(): Promise<void> {
    const pid = this.serverPid();
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid), 'the server is dead');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.berth(['server', 'stop']);
    // Agents end themselves when their directory is gone.
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    await rm(this.work, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits for a condition that must come true; the limit only keeps a failing test from hanging. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain until ${what}`);
    await sleep(50);
  }
}
