/** Where a catalog is published: a directory (which a web server may serve), or storage that takes HTTP PUT. */
import { randomBytes } from 'node:crypto';
import { link, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { BerthError } from '@berth/core/errors';
import { type Http, HttpError } from '@berth/http';
import { filesIn, ifMissing, removeAbandoned, writeWhole } from './publish-file.ts';
import { MAX_MANIFEST_BYTES, sha256Of } from './publish-manifest.ts';
import { readBytes } from './pull-bytes.ts';

export interface PublishedText {
  readonly text: string;
  /** Stands for this content: what `replace` expects to find. */
  readonly tag: string;
}

export interface PublishTarget {
  /** For messages. */
  readonly name: string;
  /** Null: there is none. */
  read(path: string, signal: AbortSignal): Promise<PublishedText | null>;
  /** A file whose name says what is in it; one that is there is not sent again. */
  add(path: string, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** @throws BerthError `conflict` when the file is no longer the one with this tag (null: there was none) */
  replace(path: string, text: string, tag: string | null, signal: AbortSignal): Promise<void>;
  /** What is not there is removed already. */
  remove(path: string, signal: AbortSignal): Promise<void>;
  /** Files in a folder below the base that nobody has changed since; empty where that cannot be known. */
  leftIn(folder: string, unchangedSince: number): Promise<string[]>;
  /** Runs `work` while no other process publishes there, where that can be had. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

/** A publisher that holds the lock for longer than this is dead; its lock is taken over. */
const LOCK_EXPIRES_MS = 15 * 60_000;
/** File systems round times. */
const CLOCK_GRAIN_MS = 2_000;

export function directoryTarget(folder: string, now: () => number): PublishTarget {
  // Paths are told relative to it, so it must be spelled in one way.
  const base = resolve(folder);
  const at = (path: string): string => join(base, path);
  const read = async (path: string): Promise<PublishedText | null> => {
    const text = await readFile(at(path), 'utf8').catch(ifMissing(null));
    return text === null ? null : { text, tag: await sha256Of(Buffer.from(text)) };
  };
  return {
    name: base,
    read,
    async add(path, bytes) {
      const there = await readFile(at(path)).catch(ifMissing(null));
      // A file that was cut by a broken disk has the right name and wrong bytes.
      if (there?.equals(bytes)) return;
      await writeWhole(at(path), bytes);
    },
    async replace(path, text, tag) {
      const there = await read(path);
      if ((there?.tag ?? null) !== tag) throw changedMeanwhile(base);
      await writeWhole(at(path), text);
    },
    remove: (path) => rm(at(path), { force: true }),
    async leftIn(below, unchangedSince) {
      const files = await filesIn(at(below));
      return files.filter(({ modifiedAt }) => modifiedAt < unchangedSince).map(({ path }) => relative(base, path));
    },
    async alone(work) {
      const lock = at('v1/.publishing');
      await takeLock(lock, now);
      try {
        for (const folder of ['v1', 'v1/objects', 'v1/manifests']) await removeAbandoned(at(folder), now());
        return await work();
      } finally {
        await rm(lock, { force: true });
      }
    },
  };
}

async function takeLock(path: string, now: () => number): Promise<void> {
  // Written beside and then named, so that no lock is ever without its owner.
  const mine = `${path}.${randomBytes(8).toString('hex')}.tmp`; // threads of one process publish too
  await writeWhole(mine, `${process.pid} ${hostname()}\n`);
  try {
    await linkLock(mine, path, now);
  } finally {
    await rm(mine, { force: true });
  }
}

async function linkLock(mine: string, path: string, now: () => number): Promise<void> {
  for (let tries = 0; tries < 2; tries++) {
    try {
      await link(mine, path);
      return;
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error;
      if (!(await isLeftBehind(path, now))) break;
      await rm(path, { force: true });
    }
  }
  throw new BerthError('conflict', `Another process publishes to ${dirname(dirname(path))}`, {
    hint: `Try again when it is done. If there is none, remove ${path}.`,
  });
}

async function isLeftBehind(path: string, now: () => number): Promise<boolean> {
  const info = await stat(path).catch(ifMissing(null));
  if (info === null || now() - info.mtimeMs > LOCK_EXPIRES_MS) return true;
  const [pid = '', host = hostname()] = (await readFile(path, 'utf8').catch(ifMissing(''))).trim().split(' ');
  // What runs on another machine has a number that means nothing here.
  if (host !== hostname() || !/^\d+$/.test(pid)) return false;
  return Number(pid) === process.pid ? info.mtimeMs < startedAt() - CLOCK_GRAIN_MS : !isAlive(Number(pid));
}

/** In a container every life of a process has the same number: what is older than this one is of one before it. */
function startedAt(): number {
  return Date.now() - process.uptime() * 1000;
}

/** Of this machine; a directory that several machines share is locked by time alone for the others. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

export interface HttpTargetOptions {
  /** Files are put below it. */
  readonly base: string;
  readonly http: Http;
  /** `Authorization`, or what the storage asks for. */
  readonly headers?: Readonly<Record<string, string>>;
}

const JSON_TYPE = 'application/json';
const OBJECT_TYPE = 'application/octet-stream';
/** Objects never change; the pointer must be asked for again. */
const FOR_EVER = 'public, max-age=31536000, immutable';
const ASK_AGAIN = 'no-cache';
const PUT_TIMEOUT_MS = 5 * 60_000;

/** Two publishers are told apart by the storage's conditional writes (`If-Match`, RFC 9110 §13.1). */
export function httpTarget({ base, http, headers = {} }: HttpTargetOptions): PublishTarget {
  const urlOf = (path: string): string => `${base.replace(/\/+$/, '')}/${path}`;
  const put = (path: string, body: string | Uint8Array, more: Readonly<Record<string, string>>, signal: AbortSignal) =>
    http.text(
      {
        method: 'PUT',
        url: urlOf(path),
        body,
        headers: { ...headers, ...more },
        repeatable: true,
        timeoutMs: PUT_TIMEOUT_MS,
      },
      signal,
    );
  return {
    name: new URL(base).host,
    async read(path, signal) {
      const answer = await http.open({ url: urlOf(path), headers }, signal).catch(ifNotFound);
      if (answer === null) return null;
      const bytes = await readBytes(answer.body, { maxBytes: MAX_MANIFEST_BYTES, idleMs: 30_000 }, signal);
      const text = Buffer.from(bytes).toString('utf8');
      return { text, tag: answer.headers.get('etag') ?? '' };
    },
    async add(path, bytes, signal) {
      await put(path, bytes, { 'content-type': OBJECT_TYPE, 'cache-control': FOR_EVER }, signal);
    },
    async replace(path, text, tag, signal) {
      // A storage without ETags cannot be asked to compare.
      const condition: Record<string, string> =
        tag === null ? { 'if-none-match': '*' } : tag === '' ? {} : { 'if-match': tag };
      const more = { 'content-type': JSON_TYPE, 'cache-control': ASK_AGAIN, ...condition };
      await put(path, text, more, signal).catch((error: unknown) => {
        throw error instanceof HttpError && error.status === 412 ? changedMeanwhile(new URL(base).host) : error;
      });
    },
    async remove(path, signal) {
      await http.text({ method: 'DELETE', url: urlOf(path), headers, repeatable: true }, signal).catch(ifNotFound);
    },
    leftIn: async () => [],
    alone: (work) => work(),
  };
}

function ifNotFound(error: unknown): null {
  if (error instanceof HttpError && error.code === 'not-found') return null;
  throw error;
}

function changedMeanwhile(where: string): BerthError {
  return new BerthError('conflict', `The catalog at ${where} was published by somebody else meanwhile`, {
    hint: 'Publish again; what the other one published is then kept.',
  });
}
