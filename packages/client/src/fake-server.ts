/** For tests: a real HTTP server on loopback whose answers the test writes, good or bad. */
import http from 'node:http';
import { API_PREFIX } from '@berth/core/api-routes';

export interface SeenRequest {
  readonly method: string;
  /** Without the API's prefix and without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export type Reply = (response: http.ServerResponse, request: SeenRequest) => void | Promise<void>;

export interface FakeServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Every request so far, in order. */
  readonly seen: readonly SeenRequest[];
  /** Answers `METHOD /path`; a list answers one after the other, the last one for ever. */
  on(route: string, ...replies: Reply[]): void;
  /** Answers every path that begins so and has no answer of its own. */
  onAny(method: string, prefix: string, reply: Reply): void;
  /** Like `on`, but the answer comes before the body is read, and the connection is closed with it. */
  early(route: string, reply: Reply): void;
}

export async function startFakeServer(port = 0): Promise<FakeServer> {
  const routes = new Map<string, Reply[]>();
  const early = new Map<string, Reply>();
  const families: { method: string; prefix: string; reply: Reply }[] = [];
  const prefixes = ({ method, path }: SeenRequest): Reply[] =>
    families.filter((family) => family.method === method && path.startsWith(family.prefix)).map(({ reply }) => reply);
  const seen: SeenRequest[] = [];
  const server = http.createServer(async (incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://fake');
    const path = decodeURIComponent(url.pathname.replace(API_PREFIX, ''));
    const head = { method: incoming.method ?? '', path, query: url.searchParams, headers: incoming.headers };
    const hasty = early.get(`${head.method} ${path}`);
    if (hasty !== undefined) {
      response.setHeader('connection', 'close');
      await hasty(response, { ...head, body: Buffer.alloc(0) });
      return;
    }
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of incoming) chunks.push(chunk);
    } catch {
      return; // the client went away while it was sending
    }
    const request: SeenRequest = { ...head, body: Buffer.concat(chunks) };
    seen.push(request);
    const replies = routes.get(`${request.method} ${request.path}`) ?? prefixes(request);
    const reply = replies.length > 1 ? replies.shift() : replies[0];
    await (reply ?? refuse(404, 'not-found', `no ${request.method} ${request.path} here`))(response, request);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${actual}`,
    port: actual,
    seen,
    on(route, ...replies) {
      routes.set(route, replies);
    },
    onAny(method, prefix, reply) {
      families.push({ method, prefix, reply });
    },
    early(route, reply) {
      early.set(route, reply);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function json(value: unknown, status = 200): Reply {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
}

export function refuse(status: number, code: string, message: string, hint?: string): Reply {
  return json({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }, status);
}

/** Closes the connection without a word. */
export const hangUp: Reply = (response) => {
  response.destroy();
};

export interface FakeEvent {
  readonly event: string;
  readonly data: unknown;
  readonly id?: string;
}

/** Sends the events and then ends, breaks, or stays silent. */
export function stream(events: readonly FakeEvent[], then: 'end' | 'break' | 'hang' = 'end'): Reply {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': hello\n\n');
    for (const { event, data, id } of events) {
      response.write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
    }
    if (then === 'end') response.end('event: end\ndata: {}\n\n');
    // Give what was written the time to leave before the connection is torn down.
    else if (then === 'break') setTimeout(() => response.destroy(), 20);
  };
}

export function logEvent(offset: number, text: string | Buffer): FakeEvent {
  const bytes = Buffer.from(text);
  return {
    event: 'log',
    id: String(offset + bytes.length),
    data: { replica: 0, node: 0, offset, at: 0, data: bytes.toString('base64') },
  };
}
