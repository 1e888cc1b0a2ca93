/** For tests: the real `berth`, in a process of its own, in a home of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../../bin/berth.js', import.meta.url));

export interface Result {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The same bytes as `stdout`. */
  readonly raw: Buffer;
}

export interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<Result>;
  /** Resolves when standard output and error together hold the text. */
  sees(text: string): Promise<void>;
}

export interface World extends AsyncDisposable {
  /** `BERTH_HOME`. */
  readonly home: string;
  /** What commands find in their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The directory that commands run in. */
  readonly cwd: string;
  write(name: string, text: string | Buffer): Promise<string>;
  start(words: readonly string[], options?: RunOptions): Running;
  berth(words: readonly string[], options?: RunOptions): Promise<Result>;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Another Node than the one that runs the tests. */
  readonly node?: string;
}

/** @param serverUrl what commands talk to; null: what the home's own configuration says */
export async function world(serverUrl: string | null): Promise<World> {
  const top = await mkdtemp(join(tmpdir(), 'berth-cli-'));
  const home = join(top, 'home');
  const cwd = join(top, 'work');
  await mkdir(cwd);
  const server = serverUrl === null ? {} : { BERTH_SERVER_URL: serverUrl, BERTH_TOKEN: 'test-token' };
  const base: Record<string, string | undefined> = {
    ...process.env,
    HOME: top,
    BERTH_HOME: home,
    NODE_OPTIONS: '',
    NODE_TEST_CONTEXT: undefined,
    NO_COLOR: undefined,
    FORCE_COLOR: undefined,
    BERTH_PROJECT: undefined,
    BERTH_SERVER_URL: undefined,
    BERTH_TOKEN: undefined,
    ...server,
  };
  const children = new Set<ChildProcess>();
  const start = (words: readonly string[], options: RunOptions = {}): Running => {
    const env = defined({ ...base, ...options.env });
    const child = spawn(options.node ?? process.execPath, [BIN, ...words], { cwd, env });
    children.add(child);
    return running(child, options.input, () => children.delete(child));
  };
  return {
    home,
    cwd,
    env: defined(base),
    async write(name, text) {
      const path = resolve(cwd, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
      return path;
    },
    start,
    berth: (words, options) => start(words, options).done,
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill('SIGKILL');
      await rm(top, { recursive: true, force: true });
    },
  };
}

function defined(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function running(child: ReturnType<typeof spawn>, input: string | undefined, onEnd: () => void): Running {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const watchers = new Set<() => void>();
  const text = () => Buffer.concat([...out, ...err]).toString('utf8');
  const collect = (into: Buffer[]) => (chunk: Buffer) => {
    into.push(chunk);
    for (const watcher of watchers) watcher();
  };
  child.stdout?.on('data', collect(out));
  child.stderr?.on('data', collect(err));
  child.stdin?.on('error', () => {}); // a command that does not read its input
  child.stdin?.end(input ?? '');
  const done = new Promise<Result>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      onEnd();
      const raw = Buffer.concat(out);
      resolve({ code, signal, raw, stdout: raw.toString('utf8'), stderr: Buffer.concat(err).toString('utf8') });
    });
  });
  return {
    child,
    done,
    sees: (wanted) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!text().includes(wanted)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
        void done.then(() => reject(new Error(`ended without ${JSON.stringify(wanted)}:\n${text()}`)));
      }),
  };
}
