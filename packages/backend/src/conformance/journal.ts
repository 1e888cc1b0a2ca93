/**
 * What a check of a real account made, written down before it is made: whoever finds the file later knows what
 * may still be there. One line of JSON per thing, forced to the disk.
 */
import { type FileHandle, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CreateRequest } from '../contract.ts';

const Line = z.union([
  z.object({
    kind: z.literal('check'),
    type: z.string(),
    backend: z.string(),
    pid: z.number(),
    start: z.string().nullish(),
    at: z.number(),
  }),
  z.object({
    kind: z.literal('make'),
    token: z.string(),
    name: z.string(),
    region: z.string(),
    zone: z.string().nullable(),
    at: z.number(),
  }),
  z.object({ kind: z.literal('made'), token: z.string(), cloudId: z.string() }),
  z.object({ kind: z.literal('gone'), token: z.string() }),
  z.object({ kind: z.literal('shared'), region: z.string() }),
  z.object({ kind: z.literal('unshared'), region: z.string() }),
]);
type Line = z.output<typeof Line>;

export interface JournalledMachine {
  readonly token: string;
  readonly name: string;
  readonly region: string;
  readonly zone: string | null;
  readonly cloudIds: readonly string[];
}

export interface WrittenJournal {
  readonly path: string;
  readonly type: string;
  readonly pid: number;
  /** Whether the check that writes it is still at work. */
  readonly isAlive: boolean;
  /** Those that may still be there. */
  readonly machines: readonly JournalledMachine[];
  /** Where networks, keys and roles may still be there. */
  readonly regions: readonly string[];
}

const SUFFIX = '.journal';

export class Journal {
  readonly path: string;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  static async begin(dir: string, about: { readonly type: string; readonly backend: string }): Promise<Journal> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const at = Date.now();
    const path = join(dir, `${about.type}-${at}-${process.pid}${SUFFIX}`);
    const journal = new Journal(path, await open(path, 'ax', 0o600));
    await journal.#write({ kind: 'check', ...about, pid: process.pid, start: await startOf(process.pid), at });
    return journal;
  }

  async willMake({ token, name, offer }: Pick<CreateRequest, 'token' | 'name' | 'offer'>): Promise<void> {
    await this.#write({ kind: 'make', token, name, region: offer.region, zone: offer.zone, at: Date.now() });
  }

  async made(token: string, cloudId: string): Promise<void> {
    await this.#write({ kind: 'made', token, cloudId });
  }

  async gone(token: string): Promise<void> {
    await this.#write({ kind: 'gone', token });
  }

  async willShare(region: string): Promise<void> {
    await this.#write({ kind: 'shared', region });
  }

  async sharesNoMore(region: string): Promise<void> {
    await this.#write({ kind: 'unshared', region });
  }

  /** The file goes once nothing that it names is left. */
  async end(): Promise<void> {
    await this.#file.close();
    const left = await readJournal(this.path);
    if (left?.machines.length === 0 && left.regions.length === 0) await rm(this.path, { force: true });
  }

  async #write(line: Line): Promise<void> {
    await this.#file.appendFile(`${JSON.stringify(line)}\n`);
    await this.#file.datasync();
  }
}

/** All that checks of one type of backend left, and those that are being written. */
export async function journals(dir: string, type: string): Promise<readonly WrittenJournal[]> {
  const names = await readdir(dir).catch(() => []);
  const own = names.filter((name) => name.startsWith(`${type}-`) && name.endsWith(SUFFIX));
  const read = await Promise.all(own.sort().map((name) => readJournal(join(dir, name))));
  return read.filter((journal) => journal !== null && journal.type === type) as WrittenJournal[]; // none is null
}

async function readJournal(path: string): Promise<WrittenJournal | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  let type = '';
  let pid = 0;
  let start: string | null = null;
  const machines = new Map<string, JournalledMachine>();
  const regions = new Set<string>();
  for (const row of text.split('\n')) {
    const line = parseLine(row);
    if (line === null) continue; // the power failed while it was written; what it tells of was not yet made
    if (line.kind === 'check') ({ type, pid, start = null } = line);
    else if (line.kind === 'make') machines.set(line.token, { ...line, cloudIds: [] });
    else if (line.kind === 'gone') machines.delete(line.token);
    else if (line.kind === 'shared') regions.add(line.region);
    else if (line.kind === 'unshared') regions.delete(line.region);
    else {
      const known = machines.get(line.token);
      if (known !== undefined) machines.set(line.token, { ...known, cloudIds: [...known.cloudIds, line.cloudId] });
    }
  }
  const isAtWork = isAlive(pid) && (start === null || start === (await startOf(pid)));
  return { path, type, pid, isAlive: isAtWork, machines: [...machines.values()], regions: [...regions] };
}

function parseLine(row: string): Line | null {
  try {
    return Line.safeParse(JSON.parse(row)).data ?? null;
  } catch {
    return null;
  }
}

/** Which process of this number it is: numbers are used again, after a restart of the machine at once. Null: not told here. */
async function startOf(pid: number): Promise<string | null> {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'latin1'),
    ]);
    // The 22nd field; the second is a name in parentheses, which may hold anything.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return ticks === undefined ? null : `${boot.trim()}:${ticks}`;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
