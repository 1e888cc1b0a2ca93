/**
 * An HTTP server on loopback that plays an API's documented answers, and its bad days: refusals, pauses,
 * cut connections, web pages. It keeps what it was asked. For tests.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

export interface ReplayRequest {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** How many requests came to the same route before this one. */
  readonly before: number;
}

export interface Reply {
  /** 200 when absent. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is; a list or an iterable goes out chunk by chunk. */
  readonly body?: string | Uint8Array | Iterable<string | Uint8Array>;
  /** Before the head, in ms; `Infinity`: it never comes. */
  readonly headAfterMs?: number;
  /** Between two chunks, in ms; `Infinity`: none follows the first. */
  readonly pauseMs?: number;
  /** The connection is cut there. */
  readonly cut?: 'before-head' | 'after-body';
}

export type Answer = Reply | ((request: ReplayRequest) => Reply | Promise<Reply>);

export interface ReplayServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string;
  /** Everything that was asked, in order of arrival, unknown routes included. */
  readonly requests: readonly ReplayRequest[];
  /**
   * What a route answers: `GET /v1/plans`, with `*` at the end for everything below. The answers are given
   * in order, the last one again and again. An unknown route answers 404. A second call replaces the first.
   */
  on(route: string, ...answers: readonly [Answer, ...Answer[]]): ReplayServer;
  /** Requests to one route. */
  asked(route: string): readonly ReplayRequest[];
  /** The most requests that were under way at once. */
  readonly busiest: number;
  openConnections(): number;
  /** Maps each of these origins to this server, for `createHttp`. */
  instead(...origins: readonly string[]): Readonly<Record<string, string>>;
}

export async function replayServer(): Promise<ReplayServer> {
  const routes = new Map<string, readonly Answer[]>();
  const counts = new Map<string, number>();
  const requests: ReplayRequest[] = [];
  const routeOf = new Map<ReplayRequest, string>();
  const sockets = new Set<Socket>();
  const closing = new AbortController();
  let busy = 0;
  let busiest = 0;

  async function play(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://replay');
    const method = incoming.method ?? 'GET';
    const route = findRoute(routes, `${method} ${url.pathname}`);
    const before = counts.get(route ?? '') ?? 0;
    counts.set(route ?? '', before + 1);
    const body = await text(incoming);
    const { headers } = incoming;
    const request = { method, path: url.pathname, query: url.searchParams, headers, body, before };
    requests.push(request);
    if (route !== null) routeOf.set(request, route);
    const answers = route === null ? undefined : routes.get(route);
    const answer = answers?.[Math.min(before, answers.length - 1)] ?? notFound(request);
    await send(response, typeof answer === 'function' ? await answer(request) : answer, closing.signal);
  }

  const server = createServer((incoming, response) => {
    busy += 1;
    busiest = Math.max(busiest, busy);
    // A client that went away, or the end of the test: nobody is left to be told.
    void play(incoming, response)
      .catch(() => response.destroy())
      .finally(() => {
        busy -= 1;
      });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on TCP has such an address.
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const replay: ReplayServer = {
    origin,
    requests,
    on(route, ...answers) {
      routes.set(route, answers);
      return replay;
    },
    asked: (route) => requests.filter((request) => routeOf.get(request) === route),
    get busiest() {
      return busiest;
    },
    openConnections: () => sockets.size,
    instead: (...origins) => Object.fromEntries(origins.map((other) => [other, origin])),
    async [Symbol.asyncDispose]() {
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return replay;
}

function findRoute(routes: ReadonlyMap<string, unknown>, name: string): string | null {
  if (routes.has(name)) return name;
  const below = [...routes.keys()].filter((route) => route.endsWith('*') && name.startsWith(route.slice(0, -1)));
  return below.sort((one, other) => other.length - one.length)[0] ?? null;
}

async function send(response: ServerResponse, reply: Reply, closing: AbortSignal): Promise<void> {
  await waitFor(reply.headAfterMs ?? 0, closing);
  if (reply.cut === 'before-head') {
    response.destroy();
    return;
  }
  const type = reply.json === undefined ? {} : { 'content-type': 'application/json' };
  response.writeHead(reply.status ?? 200, { ...type, ...reply.headers });
  response.flushHeaders();
  let first = true;
  for (const chunk of chunksOf(reply)) {
    if (!first) await waitFor(reply.pauseMs ?? 0, closing);
    first = false;
    if (response.destroyed) return;
    if (!response.write(chunk)) await drained(response);
  }
  if (reply.cut === 'after-body') {
    // What was written must arrive before the cut does.
    await waitFor(20, closing);
    response.destroy();
    return;
  }
  if (reply.pauseMs === Infinity) await waitFor(Infinity, closing);
  response.end();
}

function chunksOf(reply: Reply): Iterable<string | Uint8Array> {
  if (reply.json !== undefined) return [JSON.stringify(reply.json)];
  if (reply.body === undefined) return [];
  return typeof reply.body === 'string' || reply.body instanceof Uint8Array ? [reply.body] : reply.body;
}

async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === Infinity) await new Promise((_, reject) => signal.addEventListener('abort', reject, { once: true }));
  else if (ms > 0) await pause(ms, undefined, { signal });
}

async function drained(response: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once('drain', resolve).once('close', resolve);
  await promise;
  response.off('drain', resolve).off('close', resolve);
}

function notFound(request: ReplayRequest): Reply {
  return { status: 404, body: `no such route: ${request.method} ${request.path}` };
}

/** Too many requests. */
export function tooMany(retryAfter?: string): Reply {
  return { status: 429, headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter }, body: 'slow down' };
}

/** What a proxy or a sign-in page says in place of an API, with status 200. */
export function webPage(): Reply {
  const body = '<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Back soon</body></html>';
  return { headers: { 'content-type': 'text/html' }, body };
}
