import { existsSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { errnoOf, messageOf } from './failure.ts';

/**
 * The few calls of the Docker Engine API that the agent makes, over the engine's unix socket.
 * Written by hand because the usual client brings far more than the whole agent weighs. Paths carry
 * no version: the engine then speaks its newest, and all that is used here is in every one since 1.41.
 */

/** The engine answered, and said no. */
export class DockerError extends Error {
  override readonly name = 'DockerError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** No engine answers at the socket. */
export class DockerAway extends Error {
  override readonly name = 'DockerAway';
}

export interface DockerCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, as a tar. */
  readonly body?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** No answer by then counts as away, in ms. Default: none. */
  readonly timeoutMs?: number;
}

export class DockerClient {
  readonly socketPath: string;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** The answer as parsed JSON; null where it has no body. Throws `DockerError` or `DockerAway`. */
  async json(path: string, call: DockerCall = {}): Promise<unknown> {
    const response = await this.stream(path, call);
    // `wait` answers at once and says only later what: the connection may break in between.
    const body = await text(response).catch((error: unknown) => {
      throw call.signal?.aborted ? call.signal.reason : asAway(error);
    });
    return body === '' ? null : JSON.parse(body);
  }

  /** The answer's body, to be read or destroyed. */
  async stream(path: string, call: DockerCall = {}): Promise<IncomingMessage> {
    const response = await this.#send(path, call);
    const status = response.statusCode ?? 0;
    // 304: it is so already, which is success for whoever asked for it to be so.
    if ((status >= 200 && status < 300) || status === 304) return response;
    throw new DockerError(status, errorText(status, await text(response)));
  }

  /** A connection that becomes a raw stream, as `attach` does. */
  async hijack(
    path: string,
    query: DockerCall['query'],
  ): Promise<{ readonly stream: Duplex; readonly head: Uint8Array }> {
    return await new Promise((resolve, reject) => {
      const headers = { Connection: 'Upgrade', Upgrade: 'tcp' };
      const sent = httpRequest({ ...this.#options(path, { query: query ?? {} }), method: 'POST', headers });
      sent.on('upgrade', (_response, stream, head) => resolve({ stream, head }));
      sent.on('response', (response) => {
        void text(response).then((body) => {
          const status = response.statusCode ?? 0;
          reject(new DockerError(status, errorText(status, body)));
        }, reject);
      });
      sent.on('error', (error) => reject(asAway(error)));
      sent.end();
    });
  }

  async #send(path: string, call: DockerCall): Promise<IncomingMessage> {
    const json = call.json === undefined ? null : JSON.stringify(call.json);
    const contentType = json === null ? 'application/x-tar' : 'application/json';
    const hasBody = json !== null || call.body !== undefined;
    const headers = { ...(hasBody ? { 'Content-Type': contentType } : {}), ...call.headers };
    return await new Promise((resolve, reject) => {
      const sent = httpRequest({ ...this.#options(path, call), method: call.method ?? 'GET', headers });
      sent.on('response', resolve);
      sent.on('error', (error) => reject(call.signal?.aborted ? call.signal.reason : asAway(error)));
      if (call.timeoutMs !== undefined) {
        const timer = setTimeout(
          () => sent.destroy(new DockerAway('The Docker Engine does not answer.')),
          call.timeoutMs,
        );
        sent.on('close', () => clearTimeout(timer));
      }
      if (call.body === undefined) sent.end(json ?? undefined);
      // An engine that refuses a body closes on us; its answer says why, so that is what counts.
      else void pipeline(call.body, sent).catch((error: unknown) => void setImmediate(reject, asAway(error)));
    });
  }

  #options(path: string, call: Pick<DockerCall, 'query' | 'signal'>): RequestOptions {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(call.query ?? {})) query.set(key, String(value));
    return {
      socketPath: this.socketPath,
      path: query.size === 0 ? path : `${path}?${query}`,
      agent: false,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    };
  }
}

/**
 * Where an engine may be reached on this machine: DOCKER_HOST (a unix socket), the system's, the
 * user's own, Docker Desktop's.
 */
export function dockerSocketPath(env: Readonly<Record<string, string | undefined>>): string {
  const named = /^unix:\/\/(.+)$/.exec(env.DOCKER_HOST ?? '')?.[1];
  if (named !== undefined) return named;
  const candidates = [
    '/var/run/docker.sock',
    ...(env.XDG_RUNTIME_DIR === undefined ? [] : [join(env.XDG_RUNTIME_DIR, 'docker.sock')]),
    ...(env.HOME === undefined ? [] : [join(env.HOME, '.docker/run/docker.sock')]),
  ];
  return candidates.find((path) => existsSync(path)) ?? '/var/run/docker.sock';
}

function asAway(error: unknown): unknown {
  if (error instanceof DockerAway || error instanceof DockerError) return error;
  if (errnoOf(error) === 'EACCES') {
    const hint = 'Add this user to the group "docker", or run Berth as one that may use it.';
    return new DockerAway(`This user may not use the Docker Engine. ${hint}`, { cause: error });
  }
  const code = errnoOf(error);
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new DockerAway('No Docker Engine answers on this machine.', { cause: error });
  }
  return new DockerAway(`The Docker Engine broke off: ${messageOf(error)}.`, { cause: error });
}

function errorText(status: number, body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) return String(parsed.message);
  } catch {
    // Not JSON; the text itself has to do.
  }
  return body.trim() || `The Docker Engine answered ${status}.`;
}
