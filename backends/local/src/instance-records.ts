import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ACCELERATOR_VENDORS } from '@berth/core';
import { z } from 'zod';

const Accelerator = z.object({
  name: z.string(),
  vendor: z.enum(ACCELERATOR_VENDORS),
  count: z.number(),
  memoryMiB: z.number(),
  known: z.boolean(),
});

const StoredRecord = z.object({
  token: z.string(),
  /** As it was asked for. Absent: it is older than the name's being kept. */
  name: z.string().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  instance: z.string(),
  instanceType: z.string(),
  createdAt: z.number(),
  resources: z.object({
    cpus: z.number(),
    cpuArch: z.enum(['x86', 'arm']),
    memoryMiB: z.number(),
    diskMiB: z.number(),
    accelerators: z.array(Accelerator),
  }),
  gpuDevices: z.array(z.string()),
  internalIp: z.string(),
  dir: z.string(),
  socketPath: z.string(),
  /** The agent's command line. Its environment is not kept: it may hold secrets. */
  argv: z.array(z.string()),
  /** Null: nobody knows of a process. It was not started, or the server died before it could write it down. */
  process: z.object({ pid: z.number(), startedAt: z.string() }).nullable(),
  terminating: z.boolean(),
});

/** A machine of this backend: what the file in `instances/` says of it. */
export type InstanceRecord = z.output<typeof StoredRecord>;

/** A file that is there and says nothing that we understand. The machine it stands for may live. */
export interface UnreadableRecord {
  readonly token: string;
  readonly problem: string;
}

/** As long as clouds remember a token: nobody repeats a `create` after a day. */
const ENDED_FOR_MS = 24 * 60 * 60_000;

/** The rule of the contract (C2). It also keeps a token from being a path. */
const TOKEN = /^[A-Za-z0-9]{1,32}$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** The machines of one backend, one file each. A machine has its file before it has its process, and as long. */
export class InstanceRecords {
  readonly #dir: string;
  readonly #endedDir: string;

  constructor(stateDir: string) {
    this.#dir = join(stateDir, 'instances');
    this.#endedDir = join(stateDir, 'ended');
  }

  async read(token: string): Promise<InstanceRecord | UnreadableRecord | null> {
    let text: string;
    try {
      text = await readFile(this.#path(token), 'utf8');
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
    return parse(token, text);
  }

  async readAll(): Promise<{
    readonly records: readonly InstanceRecord[];
    readonly unreadable: readonly UnreadableRecord[];
  }> {
    const names = await readdir(this.#dir).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    const tokens = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
    const all = await Promise.all(
      tokens
        .filter(isToken)
        .sort()
        .map((token) => this.read(token)),
    );
    const present = all.filter((record) => record !== null); // it may have ended since the directory was read
    return {
      records: present.filter(isReadable),
      unreadable: present.filter((record): record is UnreadableRecord => !isReadable(record)),
    };
  }

  /**
   * Replaces the record as a whole. It is not forced to the disk: what it guards are processes, and no
   * process outlives the power cut that the disk would be needed for.
   */
  async write(record: InstanceRecord): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const path = this.#path(record.token);
    const temporary = `${path}.new`;
    try {
      await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }

  async remove(token: string): Promise<void> {
    await rm(`${this.#path(token)}.new`, { force: true });
    await rm(this.#path(token), { force: true });
  }

  /** Removes the record of a machine that was there, and remembers that its token is used up (C2). */
  async end(token: string, now: number): Promise<void> {
    // On a full disk too: ending instances is what frees it.
    await this.#rememberEnded(token, now).catch(() => {});
    await this.remove(token);
  }

  async isEnded(token: string): Promise<boolean> {
    return await stat(join(this.#endedDir, token)).then(
      () => true,
      () => false,
    );
  }

  async #rememberEnded(token: string, now: number): Promise<void> {
    await mkdir(this.#endedDir, { recursive: true, mode: 0o700 });
    await writeFile(join(this.#endedDir, token), '', { mode: 0o600 });
    for (const name of await readdir(this.#endedDir)) {
      const path = join(this.#endedDir, name);
      const { mtimeMs } = await stat(path);
      if (now - mtimeMs > ENDED_FOR_MS) await rm(path, { force: true });
    }
  }

  #path(token: string): string {
    if (!isToken(token)) throw new TypeError(`"${token}" is no token.`);
    return join(this.#dir, `${token}.json`);
  }
}

export function isReadable(record: InstanceRecord | UnreadableRecord): record is InstanceRecord {
  return !('problem' in record);
}

function parse(token: string, text: string): InstanceRecord | UnreadableRecord {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    return { token, problem: error instanceof Error ? error.message : String(error) };
  }
  const parsed = StoredRecord.safeParse(content);
  if (!parsed.success) return { token, problem: z.prettifyError(parsed.error) };
  return parsed.data.token === token ? parsed.data : { token, problem: `It tells of ${parsed.data.token}.` };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
