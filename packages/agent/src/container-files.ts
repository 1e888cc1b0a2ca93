import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ReadEntry } from 'tar';
import { type Artifacts, checkArtifactPath, MAX_PROBLEMS, writePack } from './artifacts.ts';
import { type DockerClient, DockerError } from './docker-client.ts';
import { JobFailure, messageOf } from './failure.ts';
import type { Owner } from './setup.ts';
import type { StallWatch } from './stall-watch.ts';
import { tarPieces } from './tar-pieces.ts';

/**
 * Files into and out of a container by Docker's archive calls: they work on a container that is not
 * running and need nothing inside of it.
 */

/**
 * What is to go into a container, gathered under a directory of this machine as under the
 * container's root, so that what comes later lies over what came before.
 */
export class ContainerTree {
  readonly root: string;
  readonly #places: string[] = [];

  constructor(root: string) {
    this.root = root;
  }

  /** Where to put what shall be at `path` (absolute) in the container; the parent directory exists. */
  async place(path: string): Promise<string> {
    this.#places.push(path);
    const local = join(this.root, path);
    await mkdir(dirname(local), { recursive: true });
    return local;
  }

  async write(path: string, content: string): Promise<void> {
    await writeFile(await this.place(path), content);
  }

  /** Everything into the container, belonging to `owner`. Directories above the places are made if missing, else untouched. */
  async upload(docker: DockerClient, id: string, owner: Owner): Promise<void> {
    const { Pack } = await import('tar');
    const pack = new Pack({
      cwd: this.root,
      // Names are ours, below the root; without this `C:` at the front of one is taken for a Windows drive.
      preservePaths: true,
      filter: (path) => path !== '.' && path !== './',
      onWriteEntry: (entry) => {
        if (entry.stat === undefined) return;
        entry.stat.uid = owner.uid;
        entry.stat.gid = owner.gid;
      },
    });
    for (const path of this.#places) pack.add(path === '/' ? '.' : path.slice(1));
    pack.end();
    const body = new PassThrough();
    pack.on('error', (error) => body.destroy(error instanceof Error ? error : new Error(String(error))));
    pack.pipe(body);
    await docker.json(`/containers/${id}/archive`, { method: 'PUT', query: { path: '/' }, body });
  }
}

/** A file of accounts is some KiB; the largest that were ever seen, of a whole university, some hundred. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** Links to links; what leads further leads nowhere. */
const MAX_LINKS = 8;

/**
 * Null: there is no such file in the container. Links are followed inside of it. Throws a `setup-error`
 * for what is no file, or larger than such a file can be: the image may be anybody's.
 */
export async function readContainerFile(docker: DockerClient, id: string, path: string): Promise<string | null> {
  let at = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const entries = await archiveEntries(docker, id, at, async (entry) => await readEntry(entry, path)).catch(
      (error: unknown) => {
        // It follows links by itself for a while.
        throw error instanceof DockerError ? unreadable(path, `cannot be read: ${error.message}`) : error;
      },
    );
    const found = entries?.[0];
    if (found === undefined) return null;
    if ('content' in found) return found.content;
    at = posix.resolve(posix.dirname(at), found.link);
  }
  throw unreadable(path, 'is a link that leads in a circle');
}

async function readEntry(entry: ReadEntry, path: string): Promise<{ content: string } | { link: string }> {
  if (entry.type === 'SymbolicLink') {
    entry.resume();
    return { link: entry.linkpath ?? '' };
  }
  if (entry.type !== 'File' && entry.type !== 'OldFile') throw unreadable(path, 'is not a file');
  if (entry.size > MAX_FILE_BYTES) throw unreadable(path, `has ${entry.size} bytes, which no such file has`);
  return { content: await text(toReadable(entry)) };
}

function unreadable(path: string, why: string): JobFailure {
  return new JobFailure(
    'setup-error',
    `The image's ${path} ${why}, so its user cannot be looked up. Use another image.`,
  );
}

/** Whether something is at `path` in the container, of any kind. */
export async function existsInContainer(docker: DockerClient, id: string, path: string): Promise<boolean> {
  try {
    await docker.json(`/containers/${id}/archive`, { method: 'HEAD', query: { path } });
    return true;
  } catch (error) {
    if (error instanceof DockerError && error.status === 404) return false;
    throw error;
  }
}

/**
 * Whether something is at `path` in the container: a file, or a directory that is not empty. The
 * directories that lead down to `workingDir` count for nothing: Docker makes them with the container.
 */
export async function isOccupiedInContainer(
  docker: DockerClient,
  id: string,
  path: string,
  workingDir: string,
): Promise<boolean> {
  let isFirst = true;
  let isOccupied = false;
  await archiveEntries(docker, id, path, async (entry) => {
    // Docker names entries by the last part of the path.
    const at = posix.join(path, ...entry.path.split('/').slice(1));
    const leadsDown =
      entry.type === 'Directory' && (isFirst || `${workingDir}/`.startsWith(`${at.replace(/\/+$/, '')}/`));
    isFirst = false;
    entry.resume();
    if (leadsDown) return null;
    isOccupied = true;
    return STOP;
  });
  return isOccupied;
}

export interface ContainerPlace {
  readonly docker: DockerClient;
  readonly id: string;
  readonly workingDir: string;
}

const PACKED_TYPES: ReadonlySet<string> = new Set([
  'File',
  'OldFile',
  'ContiguousFile',
  'Directory',
  'Link',
  'SymbolicLink',
]);

/** Packs paths below the container's working directory into a gzip-compressed tar on this machine. */
export async function packFromContainer(
  { docker, id, workingDir }: ContainerPlace,
  paths: readonly string[],
  target: string,
  watch: StallWatch,
): Promise<Artifacts> {
  const { Pack } = await import('tar');
  const pack = new Pack({ gzip: true, portable: true, preservePaths: true });
  const missing: string[] = [];
  const problems: string[] = [];
  const writing = writePack(pack, target, watch);
  writing.catch(() => undefined); // awaited below, but it may fail before
  let added = 0;
  for (const path of paths) {
    const checked = checkArtifactPath(path);
    if ('problem' in checked) {
      problems.push(checked.problem);
      continue;
    }
    try {
      const take = async (entry: ReadEntry): Promise<void> => {
        // Docker names entries by the last part of the path; in our archive they count from the working directory.
        const rest = entry.path.split('/').slice(1).join('/');
        const name = join(checked.name, rest);
        if (!PACKED_TYPES.has(entry.type)) {
          if (problems.length < MAX_PROBLEMS) problems.push(`${name} is neither a file nor a directory`);
          return void entry.resume();
        }
        entry.path = name + (entry.path.endsWith('/') ? '/' : '');
        if (entry.type === 'Link' && entry.linkpath !== undefined) {
          entry.linkpath = join(checked.name, entry.linkpath.split('/').slice(1).join('/'));
        }
        added += 1;
        const taken = new Promise<void>((resolve) => entry.on('end', () => resolve()));
        pack.add(entry);
        await taken;
      };
      const entries = await archiveEntries(docker, id, join(workingDir, checked.name), take, watch);
      if (entries === null) missing.push(path);
    } catch (error) {
      watch.signal.throwIfAborted();
      problems.push(`${path} cannot be read: ${messageOf(error)}`);
    }
  }
  pack.end();
  const packed = await writing;
  return { packed: added === 0 ? null : packed, missing, problems };
}

const STOP = Symbol('stop');

/** Runs `use` on every entry of a path's archive, one after another; null: the path does not exist. */
async function archiveEntries<T>(
  docker: DockerClient,
  id: string,
  path: string,
  use: (entry: ReadEntry) => Promise<T | typeof STOP>,
  watch?: StallWatch,
): Promise<T[] | null> {
  const { Parser } = await import('tar');
  let stream: Awaited<ReturnType<DockerClient['stream']>>;
  try {
    const limit = watch === undefined ? {} : { signal: watch.signal };
    stream = await docker.stream(`/containers/${id}/archive`, { query: { path }, ...limit });
  } catch (error) {
    if (error instanceof DockerError && error.status === 404) return null;
    throw error;
  }
  const results: T[] = [];
  const stopped = Promise.withResolvers<void>();
  stopped.promise.catch(() => undefined); // raced below
  const pending: Promise<void>[] = [];
  const parser = new Parser({
    onReadEntry: (entry) => {
      const used = use(entry).then((result) => {
        if (result === STOP) stopped.resolve();
        else results.push(result);
      });
      used.catch(stopped.reject);
      pending.push(used);
    },
  });
  parser.on('error', stopped.reject);
  const read = async (): Promise<void> => {
    for await (const piece of tarPieces(stream)) {
      watch?.progress();
      if (!parser.write(Buffer.from(piece))) await once(parser, 'drain');
    }
    const ended = once(parser, 'end');
    parser.end();
    await ended;
    await Promise.all(pending);
  };
  const reading = read();
  reading.catch(() => undefined); // of interest only until it was stopped
  try {
    await Promise.race([reading, stopped.promise]);
  } finally {
    stream.destroy();
  }
  return results;
}

function toReadable(entry: ReadEntry): Readable {
  const body = new PassThrough();
  entry.pipe(body);
  return body;
}

/** Accounts of an image: its files, or nothing where it has none. */
export async function readAccounts(docker: DockerClient, id: string): Promise<{ passwd: string; group: string }> {
  const passwd = await readContainerFile(docker, id, '/etc/passwd');
  const group = await readContainerFile(docker, id, '/etc/group');
  return { passwd: passwd ?? '', group: group ?? '' };
}
