import { lstat, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { replaceFile } from './durable-file.ts';
import { makeDirs, moveInto, type Owner } from './setup.ts';

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
  /** The directory of the code; null: it lies inside the job's own. */
  code: string | null;
}

/**
 * What a job without an image has brought to absolute paths of this machine. It goes with the job: a
 * directory that the last job's code fills would refuse the next job's. What was there before, and
 * what the job itself made or changed, stays.
 */
export class PlacedFiles {
  readonly #path: string;
  readonly #record: Placement = { files: [], dirs: [], code: null };

  /** `jobDir`: where to remember it, so that it is also removed by an agent that was restarted. */
  constructor(jobDir: string) {
    this.#path = recordPath(jobDir);
  }

  /** Moves a file or a directory to `target`, making its parents; see `moveInto`. */
  async move(source: string, target: string, owner: Owner | null): Promise<void> {
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
    this.#record.code = dir;
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

/** Removes what the job had placed, as far as it is still as it was. Never throws: the rest stays where it is. */
export async function removePlaced(jobDir: string): Promise<void> {
  let record: Placement;
  try {
    record = JSON.parse(await readFile(recordPath(jobDir), 'utf8')) as Placement; // our own writing
  } catch {
    return; // nothing was placed
  }
  for (const { path, size, mtimeMs } of record.files) {
    const found = await lstat(path).catch(() => null);
    if (found !== null && found.size === size && found.mtimeMs === mtimeMs) await rm(path).catch(() => undefined);
  }
  const deepestFirst = [...new Set(record.dirs)].sort((a, b) => b.length - a.length);
  for (const dir of deepestFirst) await rmdir(dir).catch(() => undefined); // not empty, or gone
  if (record.code === null) return;
  const rest = await readdir(record.code).catch(() => []);
  if (rest.length === 0) return;
  await writeFile(join(record.code, LEFT_BY_A_JOB), LEFT_TEXT, { mode: 0o644, flag: 'wx' }).catch(() => undefined);
}

function recordPath(jobDir: string): string {
  return join(jobDir, 'placed.json');
}
