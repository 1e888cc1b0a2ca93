import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, open, readlink, rm, symlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { fullDisk, isDiskFull, JobFailure, messageOf } from './failure.ts';
import { tarPieces, UnusableArchive } from './tar-pieces.ts';

/** How long an archive that failed may take to end its last writes. */
const SETTLE_MS = 10_000;

interface DeferredLink {
  readonly path: string;
  readonly target: string;
}

/** What node-tar says of an entry that it would not write; anything else is only a remark. */
const REFUSALS: ReadonlySet<string> = new Set(['TAR_ENTRY_ERROR', 'TAR_ENTRY_INVALID', 'TAR_BAD_ARCHIVE', 'TAR_ABORT']);

/**
 * Unpacks a tar (gzip or plain) into `dir`, which exists. An archive that reaches outside of `dir` by
 * name or by link is refused with a `setup-error`.
 *
 * Symbolic links are made last and with exactly the target that the archive names, also one outside:
 * no file of the archive can be written through them then. (node-tar itself rewrites absolute ones.)
 */
export async function unpackArchive(archive: string, dir: string, signal: AbortSignal): Promise<void> {
  const links: DeferredLink[] = [];
  const refused = await extract(archive, dir, links, signal);
  if (refused !== null) throw new JobFailure('setup-error', `The archive of code or files was refused: ${refused}.`);
  for (const link of links) await makeLink(dir, link);
}

async function extract(
  archive: string,
  dir: string,
  links: DeferredLink[],
  signal: AbortSignal,
): Promise<string | null> {
  // Loaded when first needed: an idle agent does without it.
  const tar = await import('tar');
  let refused: string | null = null;
  const unpack = tar.extract({
    cwd: dir,
    preserveOwner: false,
    filter: (path, entry) => {
      if (!('type' in entry)) return true;
      if (entry.type === 'SymbolicLink') {
        links.push({ path, target: entry.linkpath ?? '' });
        return false;
      }
      entry.path = belowHere(path);
      if (entry.type === 'Link' && entry.linkpath !== undefined) entry.linkpath = belowHere(entry.linkpath);
      return true;
    },
    onwarn: (code, message, error) => {
      if (REFUSALS.has(code)) refused ??= isDiskFull(error) ? fullDisk(dir) : messageOf(message);
    },
  });
  const closed = new Promise<void>((resolve) => unpack.on('close', resolve));
  const failed = new Promise<never>((_, reject) => unpack.on('error', reject));
  failed.catch(() => undefined); // also raised where somebody waits
  try {
    for await (const piece of tarPieces(await decompressed(archive, signal))) {
      if (!unpack.write(asBuffer(piece))) await Promise.race([once(unpack, 'drain'), failed]);
    }
    unpack.end();
    await Promise.race([closed, failed]);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UnusableArchive) return error.message;
    const why = isDiskFull(error) ? fullDisk(dir) : messageOf(error);
    throw new JobFailure('setup-error', `The archive of code or files cannot be unpacked: ${why}.`, error);
  } finally {
    // What it has begun to write it ends, so that nothing appears where everything was removed.
    unpack.end();
    await Promise.race([closed, sleep(SETTLE_MS, undefined, { ref: false })]);
  }
  return refused;
}

/**
 * The name as a path below the directory, wherever it runs: the library takes `C:` and `\\` at the front
 * for the root of a Windows drive and strips them, also here, where they are letters of a name.
 */
function belowHere(name: string): string {
  const relative = name.replace(/^\/+/, '');
  return posix.isAbsolute(name) || /^([a-z]:|\\)/i.test(relative) ? `./${relative}` : name;
}

const GZIP_MAGIC = Buffer.of(0x1f, 0x8b);

async function decompressed(archive: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const start = Buffer.alloc(GZIP_MAGIC.length);
  const file = await open(archive, 'r');
  try {
    await file.read(start, 0, start.length, 0);
  } finally {
    await file.close();
  }
  const source = createReadStream(archive, { signal });
  if (!start.equals(GZIP_MAGIC)) return source;
  const plain = createGunzip();
  // A failure of either is thrown to whoever reads the last.
  void pipeline(source, plain).catch(() => undefined);
  return plain;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

async function makeLink(dir: string, link: DeferredLink): Promise<void> {
  const parts = link.path.split('/').filter((part) => part !== '' && part !== '.');
  const name = parts.pop();
  if (name === undefined || parts.includes('..') || name === '..') {
    throw new JobFailure(
      'setup-error',
      `The archive of code or files was refused: its link "${link.path}" lies outside.`,
    );
  }
  let parent = dir;
  for (const part of parts) {
    parent = posix.join(parent, part);
    await mkdir(parent).catch(() => undefined);
    if (!(await lstat(parent)).isDirectory()) {
      throw new JobFailure(
        'setup-error',
        `The archive of code or files was refused: "${link.path}" passes through a link.`,
      );
    }
  }
  const path = posix.join(parent, name);
  const existing = await readlink(path).catch(() => null);
  if (existing === link.target) return;
  await rm(path, { recursive: true, force: true });
  await symlink(link.target, path);
}
