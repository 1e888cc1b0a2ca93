import { ROUTES, type RouteName } from '@berth/core/api-routes';
import type { ApiResponse } from '@berth/core/api-schemas';
import { BerthError } from '@berth/core/errors';
import { API_VERSION, VERSION } from '@berth/core/version';
import { backOffMs, realWaiter, type Waiter } from './back-off.ts';
import { addressOf, type CallArguments, type CallInput } from './call.ts';
import { errorFromResponse, errorFromTransport } from './http-errors.ts';
import { nodeHttpTransport } from './node-http-transport.ts';
import { type Transport, TransportError, type TransportRequest, type TransportResponse } from './transport.ts';

export interface ClientOptions {
  /**
   * Where the server is, for example `http://127.0.0.1:3000`. A function is asked before every request,
   * so that a stream finds a server again that came back at another address.
   */
  readonly url: string | (() => string);
  readonly token: string | null;
  /** Used by every call that names no project. */
  readonly project?: string;
  readonly transport?: Transport;
  readonly waiter?: Waiter;
}

/** A request below the level of routes: what streams and blobs are made of. */
export interface RawRequest {
  readonly name: RouteName;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: TransportRequest['body'];
  readonly signal?: AbortSignal | undefined;
  readonly headTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
}

export interface Client {
  readonly project: string | null;
  readonly waiter: Waiter;
  /**
   * Calls a route and parses its answer. Only a GET is tried again when the connection breaks.
   * @throws BerthError as the server answered, or `unavailable`; the signal's reason when aborted
   */
  call<Name extends RouteName>(name: Name, ...args: CallArguments<Name>): Promise<ApiResponse<Name>>;
  /**
   * One attempt; an answer of 400 or more is thrown.
   * @throws BerthError
   */
  send(request: RawRequest): Promise<TransportResponse>;
  /** Closes idle connections, so that the process can end. */
  close(): void;
}

/** Planning may wait for slow clouds; the server's own deadline for them is shorter. */
const DEADLINE_MS = 30_000;
const ATTEMPTS_OF_A_GET = 4;
/** An answer that is not a stream; the server's own answers are far smaller. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export function createClient(options: ClientOptions): Client {
  const transport = options.transport ?? nodeHttpTransport();
  const waiter = options.waiter ?? realWaiter;
  const project = options.project ?? null;
  const baseUrl = () => (typeof options.url === 'string' ? options.url : options.url()).replace(/\/+$/, '');

  async function send(request: RawRequest): Promise<TransportResponse> {
    const base = baseUrl();
    const params = project === null ? request.params : { project, ...request.params };
    const { method, path } = addressOf(request.name, params, request.query);
    const headers: Record<string, string> = { 'user-agent': `berth/${VERSION}`, ...request.headers };
    if (options.token !== null) headers.authorization = `Bearer ${options.token}`;
    const response = await transport
      .request({
        method,
        url: base + path,
        headers,
        ...(request.body === undefined ? {} : { body: request.body }),
        signal: request.signal,
        headTimeoutMs: request.headTimeoutMs ?? DEADLINE_MS,
        idleTimeoutMs: request.idleTimeoutMs ?? DEADLINE_MS,
      })
      .catch((cause) => {
        throw cause instanceof TransportError ? errorFromTransport(cause, base) : cause;
      });
    if (response.status < 400) return response;
    const error = errorFromResponse(response, await readText(response, base), base);
    throw request.name === 'server.info' ? error : await withVersionHint(error, request.signal);
  }

  /** A request that one version knows and the other does not looks like the user's mistake; say what it is. */
  async function withVersionHint(error: BerthError, signal: AbortSignal | undefined): Promise<BerthError> {
    if (error.code !== 'invalid-request' && error.code !== 'internal') return error;
    try {
      const response = await send({ name: 'server.info', params: {}, headTimeoutMs: 2_000, signal });
      const info = JSON.parse(await readText(response, baseUrl())) as ApiResponse<'server.info'>; // only compared
      if (info.api === API_VERSION) return error;
      return new BerthError(error.code, error.message, {
        issues: error.issues,
        details: error.details,
        hint: `the server is Berth ${info.version} (API ${info.api}), this is Berth ${VERSION} (API ${API_VERSION}): use the same version on both sides`,
        cause: error,
      });
    } catch {
      return error; // the first error is the one to report
    }
  }

  async function attempt(name: RouteName, input: LooseInput, deadline: AbortSignal): Promise<unknown> {
    const signal = input.signal === undefined ? deadline : AbortSignal.any([input.signal, deadline]);
    const body = input.body === undefined ? undefined : JSON.stringify(input.body);
    const response = await send({
      name,
      params: input.params ?? {},
      ...(input.query === undefined ? {} : { query: input.query }),
      ...(body === undefined ? {} : { body, headers: JSON_HEADERS }),
      signal,
      headTimeoutMs: input.deadlineMs ?? DEADLINE_MS,
    });
    const text = await readText(response, baseUrl());
    if (text === '') return {};
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new BerthError('unavailable', `${baseUrl()} answered with something that is not JSON`, {
        hint: 'check that this is the address of a Berth server',
        cause,
      });
    }
  }

  return {
    project,
    waiter,
    send,
    async call<Name extends RouteName>(name: Name, ...args: CallArguments<Name>) {
      const input: LooseInput = args[0] ?? {};
      const deadlineMs = input.deadlineMs ?? DEADLINE_MS;
      const deadline = AbortSignal.timeout(deadlineMs);
      for (let tried = 1; ; tried++) {
        try {
          // The server's answers are what the schemas say: it is our server, and both sides share them.
          return (await attempt(name, input, deadline)) as ApiResponse<Name>;
        } catch (error) {
          if (deadline.aborted && !input.signal?.aborted) {
            const seconds = deadlineMs / 1000;
            throw new BerthError('unavailable', `${baseUrl()} did not answer within ${seconds} s`, { cause: error });
          }
          const last = ROUTES[name][0] !== 'GET' || tried >= ATTEMPTS_OF_A_GET;
          if (last || !isPassing(error)) throw error;
          await waiter.sleep(retryAfterMs(error) ?? backOffMs(tried - 1, waiter.random), input.signal);
        }
      }
    },
    close: () => transport.close(),
  };
}

const JSON_HEADERS = { 'content-type': 'application/json' };

/** `CallInput` of any route: inside, the fields are just passed on. */
type LooseInput = Partial<{
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: object;
  readonly body: unknown;
}> &
  Pick<CallInput<'server.info'>, 'signal' | 'deadlineMs'>;

/** Worth another attempt: the connection broke, or the server said that it is busy. Nobody listening is not. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof BerthError)) return false;
  if (error.code === 'rate-limited') return true;
  const { failure, status } = error.details;
  return failure === 'broken' || failure === 'timed-out' || status === 502 || status === 503 || status === 504;
}

function retryAfterMs(error: unknown): number | null {
  const value = error instanceof BerthError ? error.details.retryAfterMs : undefined;
  return typeof value === 'number' ? value : null;
}

async function readText(response: TransportResponse, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) throw new BerthError('too-large', `the answer of ${url} is over 64 MiB`);
    }
  } catch (cause) {
    throw cause instanceof TransportError ? errorFromTransport(cause, url) : cause;
  }
  return Buffer.concat(chunks).toString('utf8');
}
