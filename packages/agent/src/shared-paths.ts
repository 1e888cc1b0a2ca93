import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { JobFailure } from './failure.ts';

/**
 * Which jobs of this machine use an absolute path that a job has placed something at. Each instance
 * has an agent of its own and several may be on one machine, so that is written where all of a user's
 * agents look.
 */

/** `path` is used from now on by the job whose directory `jobDir` is; without its directory it uses nothing. */
export async function claimPath(path: string, jobDir: string): Promise<void> {
  await writeFile(join(await ledger(), claimName(path, basename(jobDir))), jobDir, { mode: 0o600 });
}

/** The job uses these paths no more. Returns another that uses one of them; null: none does. */
export async function leavePaths(paths: readonly string[], job: string): Promise<string | null> {
  const dir = await ledger();
  for (const path of paths) await rm(join(dir, claimName(path, job)), { force: true });
  const keys = new Set(paths.map(keyOf));
  for (const name of await readdir(dir)) {
    const [key = '', other = ''] = name.split('.');
    if (!keys.has(key) || other === job) continue;
    const jobDir = await readFile(join(dir, name), 'utf8').catch(() => '');
    if (jobDir !== '' && existsSync(jobDir)) return other;
    await rm(join(dir, name), { force: true });
  }
  return null;
}

/** What `job` would have to remove is `heir`'s to remove. */
export async function bequeath(record: string, heir: string, job: string): Promise<void> {
  await writeFile(join(await ledger(), `heir-${heir}.${job}`), record, { mode: 0o600 });
}

/** What others have left to this job; it is given out once. */
export async function inherit(job: string): Promise<readonly string[]> {
  const dir = await ledger();
  const names = (await readdir(dir)).filter((name) => name.startsWith(`heir-${job}.`));
  const records = await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8')));
  for (const name of names) await rm(join(dir, name), { force: true });
  return records;
}

/** Nobody else may write here: what is read leads to files being removed. */
async function ledger(): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const dir = join(tmpdir(), `berth-paths-${uid}`);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const found = await lstat(dir);
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return dir;
  throw new JobFailure('setup-error', `${dir} belongs to somebody else or is open to others. Remove it.`);
}

function claimName(path: string, job: string): string {
  return `${keyOf(path)}.${job}`;
}

function keyOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 32);
}
