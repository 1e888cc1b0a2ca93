import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';
import { BerthError } from '@berth/core/errors';
import type { Home } from '../config/home.ts';

/** A file that a machine needs to run the agent. */
export interface MachineProgram {
  /** With the SHA-256 in it: another content is another file. */
  readonly name: string;
  readonly sha256: string;
  readonly path: string;
  /** Its place in a gzip-compressed form, made when it is first needed. */
  packed(): Promise<string>;
}

/** In a clone this file is TypeScript; in an installed package it is part of `dist/server.js`. */
const isSource = import.meta.url.endsWith('.ts');
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
/** What the agent in one file is made of, besides what the lock file names. */
const SOURCES = ['packages/agent/src', 'packages/core/src'];

/** Bundling takes under a second; one that hangs must not hang every machine. */
const BUILD_TIMEOUT_MS = 120_000;

/** The agent in one file, and the Node that this server runs on. What is made is kept in the home's cache. */
export class MachinePrograms {
  readonly #cache: string;
  readonly #made = new Map<string, Promise<unknown>>();

  constructor(home: Home) {
    this.#cache = join(home.cache, 'machines');
  }

  /** @throws BerthError `unavailable` when it cannot be bundled */
  agent(): Promise<MachineProgram> {
    return this.#once('agent', async () => {
      if (!isSource) return this.#program('agent', fileURLToPath(new URL('./agent.js', import.meta.url)));
      const path = join(this.#cache, `agent-source-${await sourceHash()}.mjs`);
      if (!existsSync(path)) await this.#make(path, bundleAgent);
      return this.#program('agent', path);
    });
  }

  node(): Promise<MachineProgram> {
    return this.#once('node', () => this.#program('node', process.execPath));
  }

  async #program(kind: 'agent' | 'node', path: string): Promise<MachineProgram> {
    const sha256 = await fileHash(path);
    // Node takes a file for a module by its name alone.
    const name = kind === 'agent' ? `agent-${sha256}.mjs` : `node-${sha256}`;
    const packed = join(this.#cache, `${name}.gz`);
    const pack = async (): Promise<string> => {
      if (!existsSync(packed)) {
        await this.#make(packed, (target) =>
          // Level 4 packs Node to 47 MB in half the time that level 6 takes for 46 MB.
          pipeline(createReadStream(path), createGzip({ level: 4 }), createWriteStream(target, { mode: 0o600 })),
        );
      }
      return packed;
    };
    return { name, sha256, path, packed: () => this.#once(packed, pack) };
  }

  /** Made beside and renamed, so that a crash leaves no half file; those of other versions go. */
  async #make(path: string, write: (target: string) => Promise<void>): Promise<void> {
    await mkdir(this.#cache, { recursive: true, mode: 0o700 });
    const beside = `${path}.${process.pid}`;
    try {
      await write(beside);
      await rename(beside, path);
    } finally {
      await rm(beside, { force: true });
    }
    const like = /^(agent-source|agent|node)-/.exec(path.slice(this.#cache.length + 1))?.[0] ?? '';
    for (const name of await readdir(this.#cache)) {
      const old = join(this.#cache, name);
      if (like !== '' && /^(agent-source|agent|node)-/.exec(name)?.[0] === like && old !== path) {
        await rm(old, { force: true });
      }
    }
  }

  /** Whoever comes while it is being made waits for the same; a failure is tried again by the next. */
  #once<T>(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#made.get(key) as Promise<T> | undefined; // set below, under the same key
    if (known !== undefined) return known;
    const making = make();
    this.#made.set(key, making);
    making.catch(() => this.#made.delete(key));
    return making;
  }
}

/** By the child process, so that the server carries no bundler. */
async function bundleAgent(target: string): Promise<void> {
  const script = join(ROOT, 'scripts', 'build-agent.ts');
  const child = spawn(process.execPath, [script, target], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: BUILD_TIMEOUT_MS,
  });
  const said: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  const status = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      said.push(Buffer.from(error.message));
      resolve(null);
    });
    child.once('close', resolve);
  });
  if (status !== 0) {
    const why = Buffer.concat(said).toString('utf8').trim().slice(-2_000);
    throw new BerthError('unavailable', `The agent could not be bundled for other machines: ${why}`, {
      hint: 'Run `npm install` in the clone: its devDependencies have the bundler.',
    });
  }
}

async function sourceHash(): Promise<string> {
  const hash = createHash('sha256');
  const names = await Promise.all(
    SOURCES.map(async (dir) =>
      (await readdir(join(ROOT, dir), { recursive: true })).map((name) => join(dir, name)).sort(),
    ),
  );
  const files = names.flat().filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  for (const name of [...files, 'scripts/build-agent.ts', 'package-lock.json']) {
    hash.update(`${name} ${await fileHash(join(ROOT, name))}\n`);
  }
  return hash.digest('hex');
}

async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
