import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ReadEntry } from 'tar';
import { type Artifacts, checkArtifactPath, writePack } from './artifacts.ts';
import { type DockerClient, DockerError } from './docker-client.ts';
import { messageOf } from './failure.ts';
import type { Owner } from './setup.ts';

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

/** Null: there is no such file in the container. */
export async function readContainerFile(docker: DockerClient, id: string, path: string): Promise<string | null> {
  const entries = await archiveEntries(docker, id, path, async (entry) => await text(toReadable(entry)));
  return entries?.[0] ?? null;
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

/** Whether something is at `path` in the container: a file, or a directory that is not empty. */
export async function isOccupiedInContainer(docker: DockerClient, id: string, path: string): Promise<boolean> {
  let count = 0;
  let isDirectory = false;
  await archiveEntries(docker, id, path, async (entry) => {
    if (count === 0) isDirectory = entry.type === 'Directory';
    count += 1;
    entry.resume();
    return count > 1 ? STOP : count;
  });
  return count > 1 || (count === 1 && !isDirectory);
}

/** Packs paths below the container's working directory into a gzip-compressed tar on this machine. */
export async function packFromContainer(
  docker: DockerClient,
  id: string,
  paths: readonly string[],
  workingDir: string,
  target: string,
): Promise<Artifacts> {
  const { Pack } = await import('tar');
  const pack = new Pack({ gzip: true, portable: true });
  const missing: string[] = [];
  const problems: string[] = [];
  const writing = writePack(pack, target);
  let added = 0;
  for (const path of paths) {
    const checked = checkArtifactPath(path);
    if ('problem' in checked) {
      problems.push(checked.problem);
      continue;
    }
    try {
      const entries = await archiveEntries(docker, id, join(workingDir, checked.name), async (entry) => {
        // Docker names entries by the last part of the path; in our archive they count from the working directory.
        const rest = entry.path.split('/').slice(1).join('/');
        entry.path = join(checked.name, rest) + (entry.path.endsWith('/') ? '/' : '');
        if (entry.type === 'Link' && entry.linkpath !== undefined) {
          entry.linkpath = join(checked.name, entry.linkpath.split('/').slice(1).join('/'));
        }
        added += 1;
        const taken = new Promise<void>((resolve) => entry.on('end', () => resolve()));
        pack.add(entry);
        await taken;
        return null;
      });
      if (entries === null) missing.push(path);
    } catch (error) {
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
): Promise<T[] | null> {
  const { Parser } = await import('tar');
  let stream: Awaited<ReturnType<DockerClient['stream']>>;
  try {
    stream = await docker.stream(`/containers/${id}/archive`, { query: { path } });
  } catch (error) {
    if (error instanceof DockerError && error.status === 404) return null;
    throw error;
  }
  const results: T[] = [];
  return await new Promise((resolve, reject) => {
    const pending: Promise<void>[] = [];
    const parser = new Parser({
      onReadEntry: (entry) => {
        const used = use(entry).then((result) => {
          if (result !== STOP) return void results.push(result);
          resolve(results);
          stream.destroy();
        });
        used.catch(reject);
        pending.push(used);
      },
    });
    parser.on('end', () => void Promise.all(pending).then(() => resolve(results), reject));
    parser.on('error', reject);
    stream.on('error', reject);
    stream.on('data', (chunk: Buffer) => {
      if (!parser.write(chunk)) stream.pause();
    });
    parser.on('drain', () => stream.resume());
    stream.on('end', () => parser.end());
  });
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
