/** A real PostgreSQL of a test's own: made in a temporary folder, heard on a Unix socket only, removed at the end. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isPromised } from '@berth/core/testing/parts';
import { Client } from 'pg';

const START_MS = 30_000;

/** Null when there is none. The highest version of Debian's, or whatever the PATH leads to. */
function binaries(): string | null {
  const versions = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const folders = [...versions.reverse(), ...(process.env.PATH ?? '').split(delimiter)];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))) ?? null;
}

/**
 * For the `skip` of a test: false where PostgreSQL is here or was promised by BERTH_TEST_PARTS (then a test
 * without it fails).
 */
export const noPostgres: string | false =
  binaries() !== null || isPromised('postgres')
    ? false
    : "needs postgres: there is no initdb (.ci/postgres.sh installs Debian's)";

export interface PostgresServer {
  /** Of an own, empty schema. `options` are further settings, as in `-c name=value`. */
  url(schema?: string, options?: readonly string[]): string;
  /** Makes a schema with a new name. */
  newSchema(): Promise<string>;
  query(sql: string): Promise<unknown[]>;
  /** Ends all connections at once, as an administrator's restart does. */
  stop(): Promise<void>;
  /** As a crash of the machine would, as far as processes go. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Stops it and removes what it has written. */
  remove(): Promise<void>;
}

/** `durable` for tests of what survives a crash; without it, writes to the disk are not waited for. */
export async function startPostgres(options: { readonly durable?: boolean } = {}): Promise<PostgresServer> {
  const bin = binaries();
  if (bin === null) throw new Error('there is no PostgreSQL here');
  const folder = mkdtempSync(join(tmpdir(), 'berth-pg-'));
  const user = process.getuid?.() === 0 ? unprivileged() : null;
  if (user) chownSync(folder, user.uid, user.gid);
  // A test that is killed takes its database with it, on Linux.
  const orders = ['--pdeathsig=INT', ...(user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : [])];
  const run = (program: string, ...args: string[]): [string, string[]] =>
    process.platform === 'linux' ? ['setpriv', [...orders, join(bin, program), ...args]] : [join(bin, program), args];
  const data = join(folder, 'data');
  const settings = options.durable
    ? []
    : ['-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'synchronous_commit=off'];
  const [initdb, initdbArgs] = run(
    'initdb',
    '-D',
    data,
    '-U',
    'berth',
    '-E',
    'UTF8',
    '--locale=C',
    '-A',
    'trust',
    '-N',
  );
  execFileSync(initdb, initdbArgs, { cwd: folder, stdio: 'pipe' });

  let server: ChildProcess | null = null;
  let schemas = 0;
  const url = (schema?: string, more: readonly string[] = []): string => {
    const set = [...(schema === undefined ? [] : [`search_path=${schema}`]), ...more].map((setting) => `-c ${setting}`);
    return `postgresql://berth@localhost/postgres?host=${folder}&options=${encodeURIComponent(set.join(' '))}`;
  };
  const query = async (sql: string): Promise<unknown[]> => {
    const client = new Client({ connectionString: url() });
    client.on('error', () => {}); // The query fails as well.
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  let log = '';
  const launch = (): ChildProcess => {
    const [postgres, args] = run('postgres', '-D', data, '-k', folder, '-c', 'listen_addresses=', ...settings);
    const launched = spawn(postgres, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    launched.stderr.on('data', (chunk) => {
      log = (log + chunk).slice(-10_000);
    });
    return launched;
  };
  const start = async (): Promise<void> => {
    for (const until = Date.now() + START_MS; ; await sleep(20)) {
      // After a kill, it refuses to start until the last process of its predecessor is gone.
      if (!server || server.exitCode !== null) server = launch();
      const problem = await query('SELECT 1').then(() => null, String);
      if (problem === null) return;
      if (Date.now() > until) throw new Error(`PostgreSQL does not start: ${problem}\n${log}`);
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = server;
    server = null;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
    const exit = once(ending, 'exit');
    ending.kill(signal);
    await exit;
  };
  await start();
  return {
    url,
    query,
    start,
    newSchema: async () => {
      const schema = `s${++schemas}`;
      await query(`CREATE SCHEMA ${schema}`);
      return schema;
    },
    stop: () => end('SIGINT'), // Its "fast" way: clients are cut off, what they have open is rolled back.
    kill: () => end('SIGKILL'),
    remove: async () => {
      await end('SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to be run by root. */
function unprivileged(): { readonly uid: number; readonly gid: number } {
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: 'pipe' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // The next one.
    }
  }
  throw new Error('there is no user postgres or nobody to run PostgreSQL as');
}
