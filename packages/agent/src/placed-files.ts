import { lstat, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { replaceFile } from './durable-file.ts';
import { makeDirs, moveInto, type Owner } from './setup.ts';
import { bequeath, claimPath, inherit, leavePaths } from './shared-paths.ts';

/** Says of a directory that what is in it was left by a job, so that the next one may bring its code there. */
const LEFT_BY_A_JOB = '.berth-left';
const LEFT_TEXT =
  'A job of Berth had its code here. The code went with the job; what is still here the job made or changed.\n' +
  'The next job may bring its code here, as long as this file stands.\n';

interface PlacedFile {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

interface Placement {
  files: PlacedFile[];
  dirs: string[];
  /** Directories of code. */
  codes: string[];
  /** What was used at all, whoever has placed it. */
  uses: string[];
}

/**
 * What a job without an image has brought to absolute paths of this machine. It goes with the job: a
 * directory that the last job's code fills would refuse the next job's. What was there before, and
 * what the job itself made or changed, stays.
 */
export class PlacedFiles {
  readonly #path: string;
  readonly #jobDir: string;
  readonly #record: Placement = { files: [], dirs: [], codes: [], uses: [] };

  /** `jobDir`, named after the job: where to remember it, so that it is also removed by an agent that was restarted. */
  constructor(jobDir: string) {
    this.#path = recordPath(jobDir);
    this.#jobDir = jobDir;
  }

  /** What is at `path` stays until this job has ended too, whichever job has placed it. */
  async use(path: string): Promise<void> {
    this.#record.uses.push(path);
    await this.#save();
    await claimPath(path, this.#jobDir);
  }

  /** Moves a file or a directory to `target`, making its parents; see `moveInto`. */
  async move(source: string, target: string, owner: Owner | null): Promise<void> {
    await this.use(target);
    await this.makeDirs(dirname(target), owner);
    await this.#addNew(source, target);
    // First on disk: what is not remembered is never removed.
    await this.#save();
    await moveInto(source, target, false);
  }

  async makeDirs(dir: string, owner: Owner | null): Promise<void> {
    const first = await makeDirs(dir, owner);
    if (first === undefined) return;
    for (let made = dir; ; made = dirname(made)) {
      this.#record.dirs.push(made);
      if (made === first) break;
    }
    await this.#save();
  }

  /** `dir` is about to get the code. */
  async takeForCode(dir: string): Promise<void> {
    this.#record.codes.push(dir);
    await this.#save();
    await rm(join(dir, LEFT_BY_A_JOB), { force: true });
  }

  async #addNew(source: string, target: string): Promise<void> {
    const [from, to] = [await lstat(source), await lstat(target).catch(() => null)];
    if (from.isDirectory() && (to === null || to.isDirectory())) {
      for (const name of await readdir(source)) await this.#addNew(join(source, name), join(target, name));
      if (to === null) this.#record.dirs.push(target);
    } else if (to === null) {
      this.#record.files.push({ path: target, size: from.size, mtimeMs: from.mtimeMs });
    }
  }

  async #save(): Promise<void> {
    await replaceFile(this.#path, JSON.stringify(this.#record));
  }
}

/** Whether a directory holds nothing but what an earlier job has left. */
export async function isLeftByJob(dir: string): Promise<boolean> {
  return await lstat(join(dir, LEFT_BY_A_JOB)).then(
    (found) => found.isFile(),
    () => false,
  );
}

/**
 * Removes what the job had placed, as far as it is still as it was; where another job uses it, it is left
 * to that one. Never throws: the rest stays where it is.
 */
export async function removePlaced(jobDir: string): Promise<void> {
  const job = basename(jobDir);
  try {
    const own = await readFile(recordPath(jobDir), 'utf8');
    const record = merge([own, ...(await inherit(job))].map((text) => JSON.parse(text) as Placement)); // our own writing
    const heir = await leavePaths(record.uses, job);
    if (heir === null) await removeAll(record);
    else await bequeath(JSON.stringify(record), heir, job);
    await rm(recordPath(jobDir));
  } catch {
    // Nothing was placed, or the disk refuses.
  }
}

function merge(records: readonly Placement[]): Placement {
  return {
    files: records.flatMap((record) => record.files),
    dirs: records.flatMap((record) => record.dirs),
    codes: records.flatMap((record) => record.codes),
    uses: records.flatMap((record) => record.uses),
  };
}

async function removeAll({ files, dirs, codes }: Placement): Promise<void> {
  for (const { path, size, mtimeMs } of files) {
    const found = await lstat(path).catch(() => null);
    if (found !== null && found.size === size && found.mtimeMs === mtimeMs) await rm(path).catch(() => undefined);
  }
  const deepestFirst = [...new Set(dirs)].sort((a, b) => b.length - a.length);
  for (const dir of deepestFirst) await rmdir(dir).catch(() => undefined); // not empty, or gone
  for (const code of codes) {
    const rest = await readdir(code).catch(() => []);
    if (rest.length === 0) continue;
    await writeFile(join(code, LEFT_BY_A_JOB), LEFT_TEXT, { mode: 0o644, flag: 'wx' }).catch(() => undefined);
  }
}

function recordPath(jobDir: string): string {
  return join(jobDir, 'placed.json');
}
