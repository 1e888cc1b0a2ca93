/** Where a catalog lies, as its reader sees it: a web server, or a directory. */
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { BerthError } from '@berth/core/errors';
import type { Http } from '@berth/http';
import { LATEST, MAX_MANIFEST_BYTES } from './publish-manifest.ts';
import { readBytes } from './pull-bytes.ts';
import type { Trust } from './signature.ts';

export interface PlaceOptions {
  /** `https://…`, `http://` on this machine, `file://…`, or a path. */
  readonly base: string;
  readonly trust: Trust;
  readonly http: Http;
  readonly signal: AbortSignal;
  /** For the head of an answer, and for the longest pause in it; 30 s when absent. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;

/** Where a catalog is published, as its reader sees it. */
export interface Place {
  manifest(etag: string | null): Promise<'unchanged' | { readonly text: string; readonly etag: string | null }>;
  object(path: string, maxBytes: number): Promise<Uint8Array>;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** @throws BerthError `invalid-request` for a base that is never asked */
export function placeOf(options: PlaceOptions): Place {
  const { base, trust } = options;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(base)?.[1]?.toLowerCase();
  if (scheme === undefined) return filePlace(resolve(base), options);
  if (scheme === 'file') return filePlace(fileURLToPath(base), options);
  if (scheme !== 'https' && scheme !== 'http') {
    throw refused(`A catalog cannot be pulled from ${base}`, 'Name an https:// address or a directory.');
  }
  const url = new URL(base);
  if (scheme === 'http' && !LOOPBACK.test(url.hostname)) {
    throw refused(`The catalog at ${base} is not asked for without encryption`, 'Use https://.');
  }
  if (trust === 'unsigned') {
    throw refused(
      `The catalog at ${base} must be signed`,
      'Name the public key of its publisher. Only a directory of this machine may be unsigned.',
    );
  }
  return httpPlace(base.replace(/\/+$/, ''), options);
}

function refused(message: string, hint: string): BerthError {
  return new BerthError('invalid-request', message, { hint });
}

function filePlace(base: string, { signal, timeoutMs }: PlaceOptions): Place {
  const read = async (path: string, maxBytes: number): Promise<Uint8Array> => {
    const stream = Readable.toWeb(createReadStream(`${base}/${path}`, { end: maxBytes }));
    return readBytes(stream, { maxBytes, idleMs: timeoutMs ?? TIMEOUT_MS }, signal);
  };
  return {
    async manifest() {
      return { text: Buffer.from(await read(LATEST, MAX_MANIFEST_BYTES)).toString('utf8'), etag: null };
    },
    object: read,
  };
}

function httpPlace(base: string, { http, signal, timeoutMs = TIMEOUT_MS }: PlaceOptions): Place {
  const get = (path: string, headers: Readonly<Record<string, string>>) =>
    http.open({ url: `${base}/${path}`, headers, timeoutMs }, signal);
  const bytesOf = (path: string, body: ReadableStream<Uint8Array>, maxBytes: number) =>
    readBytes(body, { maxBytes, idleMs: timeoutMs }, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new Error(`${base}/${path} broke off: ${reasonOf(error)}`, { cause: error });
    });
  return {
    async manifest(etag) {
      const answer = await get(LATEST, etag === null ? {} : { 'if-none-match': etag });
      if (answer.status === 304) {
        await answer.body.cancel();
        if (etag !== null) return 'unchanged';
        throw new Error(`${base}/${LATEST} answered that nothing has changed, which was not asked`);
      }
      const text = Buffer.from(await bytesOf(LATEST, answer.body, MAX_MANIFEST_BYTES)).toString('utf8');
      return { text, etag: answer.headers.get('etag') };
    },
    async object(path, maxBytes) {
      const answer = await get(path, {});
      return bytesOf(path, answer.body, maxBytes);
    },
  };
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
