import { cp, lchown, lstat, mkdir, open, readdir, readlink, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobHash } from '@berth/core/ids';
import type { CodeRef, FileRef } from '@berth/core/job-spec';
import type { BlobStore } from './blob-store.ts';
import { errnoOf, JobFailure } from './failure.ts';
import { checkOutGit } from './git-checkout.ts';
import { unpackArchive } from './unpack.ts';

/** Puts code and files, which came as blobs or lie in a git repository, into directories. */

/** Files may be larger than memory. */
const COMPARE_BYTES = 1024 * 1024;

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Fills `dir`, which exists and is empty, with the code. */
export async function fetchCode(code: CodeRef, dir: string, blobs: BlobStore, signal: AbortSignal): Promise<void> {
  if (code.kind === 'tar') {
    await unpackArchive(await blobPath(blobs, code.blob, 'The code'), dir, signal);
  } else {
    const diff = code.diff === null ? null : await blobPath(blobs, code.diff, 'The uncommitted changes');
    await checkOutGit(code, dir, diff, signal);
  }
}

/** Unpacks one `files:` entry below `staging` (made here) and returns the path of what it holds. */
export async function fetchFile(
  file: FileRef,
  staging: string,
  blobs: BlobStore,
  signal: AbortSignal,
): Promise<string> {
  await mkdir(staging, { recursive: true, mode: 0o700 });
  await unpackArchive(await blobPath(blobs, file.blob, `The files for ${file.path}`), staging, signal);
  const [name, ...others] = await readdir(staging);
  if (name === undefined || others.length > 0) {
    throw new JobFailure('setup-error', `The archive for ${file.path} must hold one file or directory.`);
  }
  return join(staging, name);
}

/** What to do with a directory that the code should go to: fill it, or leave it alone (`skip`). */
export function codePlacement(code: CodeRef, isOccupied: boolean, dir: string): 'fill' | 'skip' {
  if (!isOccupied) return 'fill';
  if (code.ifExists === 'skip') return 'skip';
  throw new JobFailure(
    'setup-error',
    `The code should go to ${dir}, which is not empty. Choose another path for it, or set \`if_exists: skip\`.`,
  );
}

export async function isOccupied(dir: string): Promise<boolean> {
  try {
    return (await readdir(dir)).length > 0;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    if (errnoOf(error) === 'ENOTDIR') return true;
    throw error;
  }
}

/**
 * Moves a file or directory to `target`, into a directory that is there already. Where `mayReplace`
 * is false, a file that is there with another content is a `setup-error`: outside of its own
 * directory a job changes nothing that was there before it.
 */
export async function moveInto(source: string, target: string, mayReplace: boolean): Promise<void> {
  const [from, to] = [await lstat(source), await lstat(target).catch(() => null)];
  if (to === null) return await move(source, target);
  if (from.isDirectory() && to.isDirectory()) {
    for (const name of await readdir(source)) await moveInto(join(source, name), join(target, name), mayReplace);
    return await rmdir(source);
  }
  if (await isSame(source, target)) return await rm(source);
  if (!mayReplace) {
    throw new JobFailure(
      'setup-error',
      `${target} exists on this machine with another content. A job without an image replaces nothing outside of its own directory: give a path relative to the working directory.`,
    );
  }
  await rm(target, { recursive: true });
  await move(source, target);
}

/**
 * Makes `dir` and its parents; those that were missing belong to `owner` (null: to us). Returns the
 * uppermost of them; undefined: none was missing.
 */
export async function makeDirs(dir: string, owner: Owner | null): Promise<string | undefined> {
  const first = await mkdir(dir, { recursive: true });
  if (first === undefined || owner === null) return first;
  for (let made = dir; ; made = dirname(made)) {
    await lchown(made, owner.uid, owner.gid);
    if (made === first) return first;
  }
}

/** Gives a tree to `owner`; links themselves, not what they point to. */
export async function giveTo(path: string, owner: Owner): Promise<void> {
  await lchown(path, owner.uid, owner.gid);
  if (!(await lstat(path)).isDirectory()) return;
  for (const name of await readdir(path)) await giveTo(join(path, name), owner);
}

async function blobPath(blobs: BlobStore, hash: BlobHash, what: string): Promise<string> {
  const path = await blobs.find(hash);
  if (path === null)
    throw new JobFailure('setup-error', `${what} did not arrive (blob ${hash.slice(0, 12)} is missing).`);
  return path;
}

async function move(source: string, target: string): Promise<void> {
  try {
    await rename(source, target);
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    await cp(source, target, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    await rm(source, { recursive: true });
  }
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = [await lstat(one), await lstat(other)];
  if (a.isSymbolicLink() && b.isSymbolicLink()) return (await readlink(one)) === (await readlink(other));
  if (!a.isFile() || !b.isFile() || a.size !== b.size) return false;
  const [left, right] = [await open(one), await open(other)];
  try {
    const [mine, theirs] = [Buffer.allocUnsafe(COMPARE_BYTES), Buffer.allocUnsafe(COMPARE_BYTES)];
    for (let at = 0; at < a.size; at += COMPARE_BYTES) {
      const length = Math.min(COMPARE_BYTES, a.size - at);
      await Promise.all([left.read(mine, 0, length, at), right.read(theirs, 0, length, at)]);
      if (mine.compare(theirs, 0, length, 0, length) !== 0) return false;
    }
    return true;
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}
