import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { lstat, realpath, rm } from 'node:fs/promises';
import { posix } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BlobHash } from '@berth/core/ids';
import type { Pack } from 'tar';
import { errnoOf, fullDisk, isDiskFull } from './failure.ts';
import type { StallWatch } from './stall-watch.ts';

export interface Artifacts {
  /** Null: none of the paths was there. */
  readonly packed: { readonly bytes: number; readonly hash: BlobHash } | null;
  /** The paths where nothing was, as they were asked for. */
  readonly missing: readonly string[];
  /** For people: what else could not be brought and why. */
  readonly problems: readonly string[];
}

/** What the job's result says of artifacts that are not there; empty when all are. */
export function artifactsMessage({ missing, problems }: Pick<Artifacts, 'missing' | 'problems'>): string {
  const paths = missing.map((path) => `\`${path}\``).join(', ');
  const none = `No artifacts at ${paths}: there is no such path in the working directory.`;
  const others = `Not all artifacts could be brought: ${problems.join('; ')}.`;
  return [...(missing.length > 0 ? [none] : []), ...(problems.length > 0 ? [others] : [])].join(' ');
}

/** A path as it will be in the archive, or why it will not. */
export function checkArtifactPath(path: string): { readonly name: string } | { readonly problem: string } {
  const name = posix.normalize(path).replace(/\/+$/, '');
  if (posix.isAbsolute(name) || name === '..' || name.startsWith('../')) {
    return { problem: `${path} is outside of the working directory` };
  }
  return { name: name === '' ? '.' : name };
}

/** More than these nobody reads. */
export const MAX_PROBLEMS = 20;

/** Packs paths below a directory of this machine into a gzip-compressed tar. Links are packed as links. */
export async function packArtifacts(
  paths: readonly string[],
  workingDir: string,
  target: string,
  watch: StallWatch,
): Promise<Artifacts> {
  const { Pack } = await import('tar');
  const missing: string[] = [];
  const problems: string[] = [];
  const names: string[] = [];
  for (const path of paths) {
    const checked = checkArtifactPath(path);
    const problem = 'problem' in checked ? checked.problem : await whyNotReadable(path, checked.name, workingDir);
    if (problem === MISSING) missing.push(path);
    else if (problem !== null) problems.push(problem);
    else if ('name' in checked) names.push(checked.name);
  }
  if (names.length === 0) return { packed: null, missing, problems };
  const pack = new Pack({
    cwd: workingDir,
    gzip: true,
    portable: true,
    strict: false,
    // Names are ours, below the working directory; without this `C:` at the front of one is taken for a Windows drive.
    preservePaths: true,
    // The library comes to a standstill over pipes and sockets.
    filter: (path, stats) => {
      watch.progress();
      if ('isFile' in stats && !stats.isFile() && !stats.isDirectory() && !stats.isSymbolicLink()) {
        if (problems.length < MAX_PROBLEMS) problems.push(`${path} is neither a file nor a directory`);
        return false;
      }
      return true;
    },
    onwarn: (_code, message) => void problems.push(String(message)),
  });
  for (const name of names) pack.add(name);
  pack.end();
  return { packed: await writePack(pack, target, watch), missing, problems };
}

/** Writes a pack that fills itself, until `watch` ends it; on a failure nothing stays behind. */
export async function writePack(
  pack: Pack,
  target: string,
  watch: StallWatch,
): Promise<{ bytes: number; hash: BlobHash }> {
  const hash = createHash('sha256');
  let bytes = 0;
  const measured = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      watch.progress();
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  pack.on('error', (error) => measured.destroy(error instanceof Error ? error : new Error(String(error))));
  pack.pipe(measured);
  try {
    await pipeline(measured, createWriteStream(target, { mode: 0o600 }), { signal: watch.signal });
  } catch (error) {
    await rm(target, { force: true });
    throw isDiskFull(error) ? new Error(fullDisk(target), { cause: error }) : error;
  }
  return { bytes, hash: hash.digest('hex') as BlobHash }; // a SHA-256 in hex is what the brand means
}

const MISSING = Symbol('missing');

/** A path may not lead out of the working directory by a link on its way. */
async function whyNotReadable(path: string, name: string, workingDir: string): Promise<string | typeof MISSING | null> {
  try {
    const absolute = posix.join(workingDir, name);
    await lstat(absolute);
    const [top, parent] = await Promise.all([realpath(workingDir), realpath(posix.dirname(absolute))]);
    const isInside = name === '.' || parent === top || parent.startsWith(`${top}/`);
    return isInside ? null : `${path} leads out of the working directory`;
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? MISSING : `${path} cannot be read: ${String(error)}`;
  }
}
