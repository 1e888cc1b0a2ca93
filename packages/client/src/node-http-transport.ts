import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import {
  type Transport,
  TransportError,
  type TransportFailure,
  type TransportRequest,
  type TransportResponse,
} from './transport.ts';

/**
 * Not `import`: that reads every export of the module, one of which brings up a whole second HTTP client,
 * and 15 ms of each command's start would go into it.
 */
const http = process.getBuiltinModule('node:http');

/** Streams of a follow command hold one connection each; more than this at once is a defect of the caller. */
const MAX_SOCKETS = 16;

/** HTTP over node's own client: connections are kept alive, and `https` is loaded only when it is needed. */
export function nodeHttpTransport(): Transport {
  const agents = new Map<string, Agent>();

  function moduleFor(protocol: string): { request: typeof http.request; agent: Agent } {
    const from = protocol === 'https:' ? process.getBuiltinModule('node:https') : http;
    let agent = agents.get(protocol);
    if (agent === undefined) {
      agent = new from.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
      agents.set(protocol, agent);
    }
    return { request: from.request, agent };
  }

  return {
    async request(request) {
      request.signal?.throwIfAborted();
      const url = new URL(request.url);
      const { request: send, agent } = moduleFor(url.protocol);
      return new Promise<TransportResponse>((resolve, reject) => {
        const outgoing = send(url, { method: request.method, headers: request.headers, agent });
        settle(outgoing, request, resolve, reject);
      });
    },
    close() {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

function settle(
  outgoing: ClientRequest,
  request: TransportRequest,
  resolve: (response: TransportResponse) => void,
  reject: (reason: unknown) => void,
): void {
  const { signal } = request;
  let timer: NodeJS.Timeout | undefined;
  let answered = false;
  const abort = () => outgoing.destroy(asError(signal?.reason));
  const finish = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  };
  const fail = (cause: unknown) => {
    finish();
    reject(signal?.aborted ? signal.reason : toTransportError(cause));
  };
  /** Runs from the last byte of the request: an upload may take as long as it takes. */
  const startTimer = () => {
    if (answered) return; // before it had read everything
    timer = setTimeout(() => {
      outgoing.destroy(new TransportError('timed-out', `no answer within ${request.headTimeoutMs / 1000} s`));
    }, request.headTimeoutMs);
  };

  signal?.addEventListener('abort', abort, { once: true });
  outgoing.once('error', fail);
  outgoing.once('response', (incoming) => {
    answered = true;
    clearTimeout(timer);
    outgoing.off('error', fail);
    // From now on the body reports what goes wrong.
    outgoing.on('error', () => {});
    incoming.once('close', finish);
    resolve(asResponse(incoming, request));
  });
  if (request.body === undefined || typeof request.body === 'string') {
    outgoing.end(request.body);
    startTimer();
    return;
  }
  const source = Readable.from(request.body, { objectMode: false });
  source.once('error', (cause) => outgoing.destroy(cause));
  // An answer that comes early (the body is over the limit) ends the upload.
  outgoing.once('close', () => source.destroy());
  source.once('end', startTimer);
  source.pipe(outgoing);
}

function asResponse(incoming: IncomingMessage, request: TransportRequest): TransportResponse {
  return {
    status: incoming.statusCode ?? 0,
    header(name) {
      const value = incoming.headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(', ') : (value ?? null);
    },
    body: bodyOf(incoming, request),
    discard() {
      incoming.resume();
    },
  };
}

async function* bodyOf(incoming: IncomingMessage, request: TransportRequest): AsyncGenerator<Uint8Array> {
  const onTimeout = () => {
    incoming.destroy(new TransportError('timed-out', `nothing came for ${request.idleTimeoutMs / 1000} s`));
  };
  const socket: Socket = incoming.socket;
  socket.setTimeout(request.idleTimeoutMs, onTimeout);
  try {
    for await (const chunk of incoming) yield chunk;
    if (!incoming.complete) throw new TransportError('broken', 'the answer ended early');
  } catch (cause) {
    request.signal?.throwIfAborted();
    throw toTransportError(cause);
  } finally {
    socket.setTimeout(0, onTimeout);
  }
}

const FAILURES: Readonly<Record<string, TransportFailure>> = {
  ECONNREFUSED: 'refused',
  ENOENT: 'refused',
  ENOTFOUND: 'unknown-host',
  EAI_AGAIN: 'unknown-host',
  ETIMEDOUT: 'timed-out',
  EHOSTUNREACH: 'timed-out',
  ENETUNREACH: 'timed-out',
};

function toTransportError(cause: unknown): TransportError {
  if (cause instanceof TransportError) return cause;
  const error = asError(cause);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const untrusted = code.startsWith('ERR_TLS') || code.includes('CERT') || code.includes('SIGNED');
  const failure = FAILURES[code] ?? (untrusted ? 'untrusted' : 'broken');
  return new TransportError(failure, firstMessage(error), error);
}

/** Node tries every address of a host and wraps the failures; the first one says enough. */
function firstMessage(error: Error): string {
  const inner = error instanceof AggregateError ? error.errors[0] : undefined;
  return error.message || (inner instanceof Error ? inner.message : '') || error.name;
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause ?? 'aborted'));
}
