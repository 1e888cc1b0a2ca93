/**
 * Calls by gRPC: one message there, one back, over HTTP/2. `fetch` cannot do it: the outcome is in the
 * trailers. Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */

import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { setTimeout as pause } from 'node:timers/promises';
import { HttpError, type HttpErrorCode } from '@berth/http';
import { codeOfStatus } from '@berth/http/http-error';
import { retryDelay } from '@berth/http/retry';

export interface GrpcCall {
  /** Without port: `compute.api.nebius.cloud`. */
  readonly host: string;
  /** `nebius.compute.v1.PlatformService/List`. */
  readonly method: string;
  readonly request: Uint8Array;
  readonly token: string;
}

export interface Grpc extends Disposable {
  /** The answer's message. Calls that did nothing by failing are repeated. @throws HttpError */
  call(call: GrpcCall, signal: AbortSignal): Promise<Uint8Array>;
}

export interface GrpcOptions {
  readonly originOf: (host: string) => string;
  /** Rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
  /** For one attempt; 30 s when absent. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;
const ATTEMPTS = 4;
/** Of an answer. The longest list here has some kilobytes. */
const MAX_BYTES = 16 * 1024 * 1024;
/** A byte that says whether it is compressed, and the length in four. */
const FRAME_HEAD = 5;

export function createGrpc(options: GrpcOptions): Grpc {
  const sessions = new Map<string, ClientHttp2Session>();

  function sessionOf(host: string): ClientHttp2Session {
    const held = sessions.get(host);
    if (held !== undefined && !held.closed && !held.destroyed) return held;
    const session = connect(options.originOf(host));
    // A broken connection ends its calls, and they tell; the next call opens another one.
    session.on('error', () => session.destroy());
    sessions.set(host, session);
    return session;
  }

  return {
    async call(call, signal) {
      for (let sent = 1; ; sent += 1) {
        try {
          return await attempt(sessionOf(call.host), call, signal, options.timeoutMs ?? TIMEOUT_MS);
        } catch (error) {
          if (signal.aborted) throw signal.reason;
          if (!(error instanceof HttpError) || sent >= ATTEMPTS || !REPEATED.has(error.code)) throw error;
          const delayMs = retryDelay(sent, error.retryAfterMs, options.random);
          if (delayMs === null) throw error;
          await options.sleep(delayMs, signal);
        }
      }
    },
    [Symbol.dispose]() {
      for (const session of sessions.values()) session.destroy();
      sessions.clear();
    },
  };
}

/** By this machine's timers and chance. */
export function realGrpc(): Grpc {
  return createGrpc({
    originOf: (host) => `https://${host}`,
    sleep: async (ms, signal) => void (await pause(ms, undefined, { signal })),
    random: Math.random,
  });
}

/** Everything that is called here only reads. */
const REPEATED: ReadonlySet<HttpErrorCode> = new Set(['transient', 'rate-limited']);

async function attempt(
  session: ClientHttp2Session,
  call: GrpcCall,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Uint8Array> {
  const cut = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const stream = opened(session, call);
  const onAbort = (): void => stream.close(constants.NGHTTP2_CANCEL);
  cut.addEventListener('abort', onAbort, { once: true });
  try {
    const { chunks, heads } = await exchanged(stream, frameOf(call.request), call);
    const failed = failureOf(heads, call);
    if (failed !== null) throw failed;
    return messageOf(Buffer.concat(chunks), call);
  } catch (error) {
    if (cut.aborted && !signal.aborted) {
      throw failure('transient', `${nameOf(call)} did not answer within ${timeoutMs / 1000} s`);
    }
    if (error instanceof HttpError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw failure('transient', `${nameOf(call)} failed: ${reason}`, error);
  } finally {
    cut.removeEventListener('abort', onAbort);
    stream.destroy();
  }
}

function opened(session: ClientHttp2Session, call: GrpcCall): ClientHttp2Stream {
  try {
    return session.request({
      ':method': 'POST',
      ':path': `/${call.method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${call.token}`,
      'user-agent': 'berth (+https://github.com/berth)',
    });
  } catch (cause) {
    // The connection went away since it was looked at.
    throw failure('transient', `${nameOf(call)} failed: the connection was closed`, cause);
  }
}

interface Exchanged {
  readonly chunks: readonly Buffer[];
  /** Headers and trailers in one: a refusal may have headers alone. */
  readonly heads: ReadonlyMap<string, string>;
}

function exchanged(stream: ClientHttp2Stream, request: Uint8Array, call: GrpcCall): Promise<Exchanged> {
  const { promise, resolve, reject } = Promise.withResolvers<Exchanged>();
  const chunks: Buffer[] = [];
  const heads = new Map<string, string>();
  let length = 0;
  const keep = (from: Readonly<Record<string, unknown>>): void => {
    for (const [name, value] of Object.entries(from)) heads.set(name, String(value));
  };
  stream.on('response', keep);
  stream.on('trailers', keep);
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > MAX_BYTES) stream.destroy(failure('unknown', `${nameOf(call)} answered more than ${MAX_BYTES} bytes`));
    else chunks.push(chunk);
  });
  stream.on('error', reject);
  stream.on('end', () => resolve({ chunks, heads }));
  // After an end or an error this says nothing new.
  stream.on('close', () => reject(new Error('the connection was closed')));
  stream.end(request);
  return promise;
}

/** Null: it went well. */
function failureOf(heads: ReadonlyMap<string, string>, call: GrpcCall): HttpError | null {
  const status = heads.get(':status');
  const outcome = heads.get('grpc-status');
  if (outcome === undefined) {
    if (status === undefined || status === '200') {
      return failure('transient', `${nameOf(call)} broke off before its outcome`);
    }
    // Not the service: a proxy before it.
    return failure(codeOfStatus(Number(status)), `${nameOf(call)} answered ${status}`);
  }
  if (outcome === '0') return null;
  const said = decodeURIComponentSafe(heads.get('grpc-message') ?? '').slice(0, 300);
  return failure(CODES[outcome] ?? 'unknown', `${nameOf(call)} answered with status ${outcome}${said && `: ${said}`}`);
}

/** Source: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
const CODES: Readonly<Record<string, HttpErrorCode>> = {
  3: 'config',
  4: 'transient',
  5: 'not-found',
  7: 'auth',
  8: 'rate-limited',
  9: 'config',
  14: 'transient',
  16: 'auth',
};

function frameOf(message: Uint8Array): Uint8Array {
  const head = Buffer.alloc(FRAME_HEAD);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function messageOf(body: Buffer, call: GrpcCall): Uint8Array {
  const whole = body.length >= FRAME_HEAD && body[0] === 0 && body.readUInt32BE(1) === body.length - FRAME_HEAD;
  if (!whole) throw failure('unknown', `${nameOf(call)} answered with something that is no message`);
  return body.subarray(FRAME_HEAD);
}

function nameOf(call: GrpcCall): string {
  return `${call.host}/${call.method}`;
}

function failure(code: HttpErrorCode, message: string, cause?: unknown): HttpError {
  return new HttpError(code, message, { status: null, retryAfterMs: null, cause });
}

function decodeURIComponentSafe(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
