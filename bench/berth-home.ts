/** A Berth of its own for a benchmark: a temporary home, a server in it, and nothing left behind. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient, watch } from '@berth/client';
import type { RunView } from '@berth/core/api-schemas';
import { isInstanceAlive, isRunFinished } from '@berth/core/states';
import { parse } from 'yaml';

export const ROOT = join(import.meta.dirname, '..');
/** The command line as it lies in a clone. */
export const LAUNCHER = join(ROOT, 'packages', 'cli', 'bin', 'berth.js');

/** Longer than ending an agent with its jobs takes on a busy machine. */
const GIVE_BACK_MS = 20_000;

/** What a person's shell would hand on, with this Node first and without what was set for the benchmark. */
export function environment(home: string): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, NODE_COMPILE_CACHE: __, ...inherited } = process.env;
  for (const name of Object.keys(inherited)) if (/^(?:BERTH|DSTACK)_/.test(name)) delete inherited[name];
  return {
    ...inherited,
    BERTH_HOME: home,
    PATH: [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
  };
}

export class BerthHome {
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #launcher: string;
  #client: Client | null = null;

  constructor(launcher: string = LAUNCHER) {
    this.dir = mkdtempSync(join(tmpdir(), 'berth-bench-'));
    this.env = environment(this.dir);
    this.#launcher = launcher;
    process.once('exit', this.#remove);
  }

  /** @throws Error with what the command said when its exit code is not 0 */
  berth(...words: readonly string[]): SpawnSyncReturns<string> {
    const result = spawnSync(this.#launcher, words, { env: this.env, cwd: this.dir, encoding: 'utf8' });
    if (result.status === 0) return result;
    const why = result.error?.message ?? `${result.stdout}${result.stderr}`;
    throw new Error(`berth ${words.join(' ')} failed (${result.signal ?? result.status}): ${why}`);
  }

  startServer(): void {
    this.berth('server', 'start');
  }

  stopServer(): void {
    this.#client?.close();
    this.#client = null;
    this.berth('server', 'stop');
  }

  serverPid(): number {
    const file: { pid: number } = JSON.parse(readFileSync(join(this.dir, 'server', 'server.json'), 'utf8'));
    return file.pid;
  }

  /** Talks to the server as the command line of this home would. */
  client(): Client {
    const config: { projects: { name: string; url: string; token: string }[] } = parse(
      readFileSync(join(this.dir, 'config.yml'), 'utf8'),
    );
    const [first] = config.projects;
    if (first === undefined) throw new Error('the server wrote no project into config.yml');
    this.#client ??= createClient({ url: first.url, token: first.token, project: first.name });
    return this.#client;
  }

  logFile(job: string): string {
    return join(this.dir, 'server', 'logs', job.slice(-2), `${job}.log`);
  }

  /** Gives machines back, stops the server, and removes everything. What does not go by itself is killed. */
  async end(): Promise<void> {
    try {
      await this.giveBack();
      this.stopServer();
    } catch {
      // It may never have started; whatever is left of it is found next.
    }
    process.removeListener('exit', this.#remove);
    this.#remove();
  }

  /** Also when the benchmark is interrupted. */
  readonly #remove = (): void => {
    for (const pid of this.#processes()) process.kill(pid, 'SIGKILL');
    const containers = this.#containers();
    if (containers.length > 0) spawnSync('docker', ['rm', '--force', ...containers], { stdio: 'ignore' });
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  };

  /** Gives every machine back and waits until its agent is gone; the books may doubt it for a while longer. */
  async giveBack(): Promise<void> {
    const client = this.client();
    const agents = join(this.dir, 'agents');
    const deadline = performance.now() + GIVE_BACK_MS;
    while (performance.now() < deadline && readdirSync(agents).length > 0) {
      for (const { id, status } of await client.call('instance.list', {})) {
        const asked = status === 'terminating' || !isInstanceAlive(status);
        if (!asked) await client.call('instance.delete', { params: { instance: id } });
      }
      await sleep(50);
    }
  }

  /** Waits until no machine is on the books any more, so that nothing is left for the server to look after. */
  async settled(): Promise<void> {
    const client = this.client();
    while ((await client.call('instance.list', {})).some(({ status }) => isInstanceAlive(status))) await sleep(200);
  }

  /** Servers and agents of this home: its path, which nobody else has, is in their command line or environment. */
  #processes(): number[] {
    if (!existsSync('/proc')) return []; // not on this system
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .filter((name) => ['cmdline', 'environ'].some((file) => holds(join('/proc', name, file), this.dir)))
      .map(Number);
  }

  /** Those that an agent of this home has made; its folder is named for the end of its instance's id. */
  #containers(): string[] {
    const agents = join(this.dir, 'agents');
    if (!existsSync(agents)) return [];
    const ours = readdirSync(agents);
    const format = '{{.ID}} {{.Label "berth.instance"}}';
    const listed = spawnSync('docker', ['ps', '--all', '--format', format], { encoding: 'utf8' });
    return (listed.stdout ?? '')
      .split('\n')
      .map((line) => line.split(' '))
      .flatMap(([id = '', instance = '']) => (ours.some((end) => instance.endsWith(end)) ? [id] : []));
  }
}

function holds(path: string, text: string): boolean {
  try {
    return readFileSync(path, 'latin1').includes(text);
  } catch {
    return false; // ended meanwhile, or another user's
  }
}

/** @throws Error when the run did not end well */
export async function finished(client: Client, run: string): Promise<RunView> {
  for await (const view of watch(client, run)) {
    if (!isRunFinished(view.status)) continue;
    if (view.status === 'done') return view;
    const job = view.jobs.at(0);
    throw new Error(`run ${view.name} ended as ${view.status}: ${job?.message ?? view.message ?? view.end_reason}`);
  }
  throw new Error(`the server said nothing of the end of run ${run}`);
}

/** Waits until the machine that ran a job is free for the next one. */
export async function idle(client: Client): Promise<void> {
  for (;;) {
    const alive = (await client.call('instance.list', {})).filter(({ status }) => isInstanceAlive(status));
    if (alive.length > 0 && alive.every(({ status }) => status === 'idle')) return;
    await sleep(5);
  }
}
