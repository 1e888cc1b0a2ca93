/**
 * A reverse proxy on loopback between a backend and the fake of its cloud. It passes requests on, does to them
 * what it was armed for, and remembers what was asked.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallFault } from './fake.ts';

export interface SeenRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body: string;
  readonly at: number;
  /** The fault that it met; null: it was passed on. */
  readonly fault: CallFault['kind'] | null;
  /** Null: there was no answer yet. */
  status: number | null;
  /** When the client had its answer, or let go of the connection; null: it still holds it. */
  endedAt: number | null;
}

export type Meets = (request: { readonly method: string; readonly path: string; readonly body: string }) => boolean;

interface Armed {
  readonly fault: CallFault;
  readonly meets: Meets;
}

/** Connections are the fake's affair; these belong to one of them and are not passed on. */
const HOP_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'content-length']);

/** Requests that are remembered; a whole check makes some hundred. */
const REMEMBERED = 10_000;

/** What some proxy in front of a cloud answers when it has a bad day. */
const PAGE = '<!doctype html><html><head><title>Sorry</title></head><body><p>We will be ba';

export class FaultProxy {
  readonly url: string;
  readonly seen: SeenRequest[] = [];
  readonly #target: URL;
  readonly #server: ReturnType<typeof createServer>;
  #armed: Armed[] = [];

  private constructor(target: URL, server: ReturnType<typeof createServer>) {
    this.#target = target;
    this.#server = server;
    const { port } = server.address() as AddressInfo; // it listens on a port, not on a pipe
    this.url = `http://127.0.0.1:${port}`;
  }

  static async before(target: string): Promise<FaultProxy> {
    const url = new URL(target);
    if (url.protocol !== 'http:') throw new TypeError(`A fake speaks plain HTTP on loopback, not ${url.protocol}`);
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const proxy = new FaultProxy(url, server);
    server.on('request', (incoming, answer) => {
      proxy.#handle(incoming, answer).catch(() => answer.destroy()); // either side is gone
    });
    return proxy;
  }

  /** The next request that it meets gets the fault. */
  arm(fault: CallFault, meets: Meets): void {
    this.#armed.push({ fault, meets });
  }

  /** Faults that nobody met so far. */
  get armed(): number {
    return this.#armed.length;
  }

  disarm(): void {
    this.#armed = [];
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await bodyOf(incoming);
    const { method = 'GET', url: path = '/' } = incoming;
    const about = { method, path, body: body.toString('utf8') };
    const index = this.#armed.findIndex(({ meets }) => meets(about));
    const fault = index < 0 ? null : (this.#armed.splice(index, 1)[0]?.fault ?? null);
    const seen: SeenRequest = { ...about, at: Date.now(), fault: fault?.kind ?? null, status: null, endedAt: null };
    if (this.seen.length < REMEMBERED) this.seen.push(seen);
    answer.on('close', () => {
      seen.endedAt = Date.now();
    });
    if (fault === null) return await this.#pass(incoming, body, answer, seen);
    await this.#spoil(fault, incoming, body, answer, seen);
  }

  async #spoil(
    fault: CallFault,
    incoming: IncomingMessage,
    body: Buffer,
    answer: ServerResponse,
    seen: SeenRequest,
  ): Promise<void> {
    const say = (status: number, headers: Record<string, string>, text: string): void => {
      seen.status = status;
      answer.writeHead(status, headers).end(text);
    };
    switch (fault.kind) {
      case 'reset':
        incoming.socket.resetAndDestroy();
        return;
      case 'hang':
        return; // until the client lets go
      case 'rate-limited': {
        const seconds = Math.ceil(fault.retryAfterMs / 1000);
        return say(429, { 'retry-after': String(seconds) }, '{"error":"too many requests"}');
      }
      case 'unavailable':
        return say(503, {}, '{"error":"the request was not begun"}');
      case 'server-error':
        return say(500, {}, '{"error":"something went wrong"}');
      case 'slow':
        await sleep(fault.ms);
        return await this.#pass(incoming, body, answer, seen);
      case 'duplicate':
        await this.#ask(incoming, body);
        return await this.#pass(incoming, body, answer, seen);
      case 'lost-answer':
        await this.#ask(incoming, body);
        incoming.socket.resetAndDestroy();
        return;
      case 'garbage':
        await this.#ask(incoming, body);
        return say(200, { 'content-type': 'application/json' }, PAGE);
      case 'truncated': {
        const { status, headers, text } = await this.#ask(incoming, body);
        seen.status = status;
        answer.writeHead(status, { ...passed(headers), 'content-length': String(text.length + 64) });
        answer.write(text.subarray(0, Math.floor(text.length / 2)), () => incoming.socket.destroy());
      }
    }
  }

  async #pass(incoming: IncomingMessage, body: Buffer, answer: ServerResponse, seen: SeenRequest): Promise<void> {
    const { status, headers, text } = await this.#ask(incoming, body);
    seen.status = status;
    answer.writeHead(status, { ...passed(headers), 'content-length': String(text.length) }).end(text);
  }

  async #ask(
    incoming: IncomingMessage,
    body: Buffer,
  ): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: Buffer }> {
    const { method, url: path = '/' } = incoming;
    const headers = { ...passed(incoming.headers), host: this.#target.host, 'content-length': String(body.length) };
    return await new Promise((resolve, reject) => {
      const outgoing = request(new URL(path, this.#target), { method, headers, agent: false }, (response) => {
        bodyOf(response).then(
          (text) => resolve({ status: response.statusCode ?? 502, headers: response.headers, text }),
          reject,
        );
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

function passed(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || HOP_HEADERS.has(name) ? [] : [[name, value] as const],
    ),
  );
}

async function bodyOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer); // no encoding is set
  return Buffer.concat(chunks);
}
