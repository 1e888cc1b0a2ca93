import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { BerthError } from '@berth/core/errors';
import type { InstanceId, JobId, RunId } from '@berth/core/ids';

/** Where everything lies that Berth keeps on this machine. `BERTH_HOME` moves it as a whole. */
export interface Home {
  readonly root: string;
  /** The command line's own configuration: servers and tokens. */
  readonly clientConfig: string;
  readonly server: string;
  /** What all servers of one database must see; `server` itself unless another folder was named. */
  readonly common: string;
  /** In `common`: what projects and backends there are is the same for all servers. */
  readonly serverConfig: string;
  readonly database: string;
  readonly keyFile: string;
  /** Who serves this home at present. */
  readonly serverJson: string;
  readonly serverLog: string;
  readonly logs: string;
  readonly artifacts: string;
  readonly blobs: string;
  /** What a backend must remember lies in a folder of its own below this one. */
  readonly backendState: string;
  /** Backends that this installation brings itself. */
  readonly backends: string;
  /** Prices: what was pulled and collected. */
  readonly catalog: string;
  readonly agents: string;
  /** Compiled code of the agents, so that the next one starts faster. */
  readonly cache: string;
}

/** Linux takes 107 bytes in a socket's address and macOS 103; the agent needs a few for a name beside it. */
const LONGEST_SOCKET_PATH = 99;
const SOCKET_NAME = 'agent.sock';

/** `BERTH_HOME`, else `~/.berth`. */
export function homeRoot(env: NodeJS.ProcessEnv = process.env): string {
  const named = env.BERTH_HOME;
  return named === undefined || named === '' ? join(homedir(), '.berth') : resolve(named);
}

/** @param shared folder that all servers of one database see; `root` when this is the only one */
export function homeAt(root: string, shared: string = root): Home {
  const server = join(root, 'server');
  const common = join(shared, 'server');
  return {
    root,
    clientConfig: join(root, 'config.yml'),
    server,
    common,
    serverConfig: join(common, 'config.yml'),
    database: join(server, 'berth.db'),
    keyFile: join(common, 'encryption.key'),
    serverJson: join(server, 'server.json'),
    serverLog: join(server, 'server.log'),
    logs: join(common, 'logs'),
    artifacts: join(common, 'artifacts'),
    blobs: join(common, 'blobs'),
    backendState: join(common, 'backends'),
    backends: join(root, 'backends'),
    catalog: join(root, 'catalog'),
    agents: join(shared, 'agents'),
    cache: join(root, 'cache'),
  };
}

/** Where a home says which database and which shared folder it uses. */
export function placesFile(root: string): string {
  return join(root, 'server', 'config.yml');
}

/**
 * Makes the folders that are missing; only their owner may look into them.
 * @throws BerthError `unavailable` when one cannot be made, or others could change what is in the home
 */
export function prepareHome(home: Home): void {
  for (const root of new Set([home.root, dirname(home.common)])) {
    makePrivateDir(root);
    refuseOpenHome(root);
  }
  const { server, common, logs, artifacts, blobs, backendState, agents, cache } = home;
  for (const dir of [server, common, logs, artifacts, blobs, backendState, agents, cache]) makePrivateDir(dir);
}

/**
 * An agent's folder and socket. The short id is the random end of the instance's id, 50 bits of it:
 * a socket's path has no room for all. When the home is too deep even so, the socket alone moves to
 * the system's temporary folder; journal and jobs stay.
 */
export function agentPaths(
  home: Home,
  instance: InstanceId,
  temporary: string = tmpdir(),
): { readonly dir: string; readonly socket: string } {
  const short = instance.slice(-10);
  const dir = join(home.agents, short);
  const inside = join(dir, SOCKET_NAME);
  if (Buffer.byteLength(inside) <= LONGEST_SOCKET_PATH) return { dir, socket: inside };
  return { dir, socket: join(shortSocketDir(home, temporary), `${short}.sock`) };
}

/** Somebody else may have made the folder first, to listen in our place: it must be ours and closed. */
function shortSocketDir(home: Home, temporary: string): string {
  const uid = process.getuid?.() ?? 0;
  const mine = join(temporary, `berth-${uid}`);
  const dir = join(mine, createHash('sha256').update(home.root).digest('hex').slice(0, 12));
  const longest = join(dir, `0123456789.sock`);
  if (Buffer.byteLength(longest) > LONGEST_SOCKET_PATH) {
    throw new BerthError('unavailable', `The paths of ${home.agents} and ${dir} are too long for a unix socket.`, {
      hint: 'Set BERTH_HOME to a shorter path, or TMPDIR.',
    });
  }
  for (const part of [mine, dir]) {
    makePrivateDir(part);
    const found = lstatSync(part);
    if (!found.isDirectory() || found.uid !== uid) {
      throw new BerthError('unavailable', `${part} belongs to somebody else, so no socket can be put there.`, {
        hint: 'Remove it, or set TMPDIR to a folder of your own.',
      });
    }
    if ((found.mode & 0o077) !== 0) chmodSync(part, 0o700);
  }
  return dir;
}

/** Whoever may write there may put programs and keys of his own in the place of ours. */
function refuseOpenHome(root: string): void {
  const { uid, mode } = statSync(root);
  const own = process.getuid?.() ?? uid;
  if (uid !== own) {
    throw new BerthError(
      'unavailable',
      `The folder ${root} belongs to another user (uid ${uid}, and this server runs as ${own}), who could change what the server trusts.`,
      { hint: 'Set BERTH_HOME to a folder of your own, or run the server as its owner.' },
    );
  }
  if ((mode & 0o022) !== 0) {
    throw new BerthError(
      'unavailable',
      `The folder ${root} can be written by other users (mode ${(mode & 0o777).toString(8)}), who could change what the server trusts.`,
      { hint: `Close it with \`chmod go-w ${root}\`, or set BERTH_HOME to another folder.` },
    );
  }
}

/** @throws BerthError `unavailable` */
function makePrivateDir(dir: string): void {
  try {
    makeDirs(dir);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BerthError('unavailable', `The folder ${dir} cannot be made: ${why}`, {
      hint: 'Set BERTH_HOME to a folder that you may write.',
      cause,
    });
  }
}

/** As `mkdir -p`. Node's own spins for ever below a folder that denies its children, such as /proc. */
function makeDirs(dir: string): void {
  const missing: string[] = [];
  for (let at = dir; !isThere(at); at = dirname(at)) missing.push(at);
  for (const at of missing.reverse()) {
    try {
      mkdirSync(at, { mode: 0o700 });
    } catch (error) {
      if (!isThere(at)) throw error;
    }
  }
  if (!statSync(dir).isDirectory()) throw new Error('something else has this name');
}

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/** Where the artifacts of a job lie, once they are here. */
export function artifactPath(home: Home, run: RunId, job: JobId): string {
  return join(home.artifacts, run, `${job}.tar.gz`);
}
