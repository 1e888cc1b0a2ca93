import { createReadStream } from 'node:fs';
import { lstat, mkdir, readlink, rm, symlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { isDiskFull, JobFailure, messageOf } from './failure.ts';

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
    // Data that is mostly zeros compresses better than the library's 1000 to 1, and the disk has its own end.
    maxDecompressionRatio: Number.POSITIVE_INFINITY,
    filter: (path, entry) => {
      if (!('type' in entry) || entry.type !== 'SymbolicLink') return true;
      links.push({ path, target: entry.linkpath ?? '' });
      return false;
    },
    onwarn: (code, message) => {
      if (REFUSALS.has(code)) refused ??= messageOf(message);
    },
  });
  const source = createReadStream(archive, { signal });
  await new Promise<void>((resolve, reject) => {
    unpack.on('close', resolve);
    unpack.on('error', (error) => {
      const why = isDiskFull(error) ? 'the disk is full' : messageOf(error);
      reject(new JobFailure('setup-error', `The archive of code or files cannot be unpacked: ${why}.`, error));
    });
    source.on('error', reject);
    source.on('data', (chunk) => {
      if (!unpack.write(chunk as Buffer)) source.pause(); // no encoding is set, so chunks are buffers
    });
    unpack.on('drain', () => source.resume());
    source.on('end', () => unpack.end());
  });
  return refused;
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
