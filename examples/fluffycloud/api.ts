import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { accountRoutes } from './account-api.ts';
import { admin } from './admin-api.ts';
import type { Answer, Bend, Route } from './api-call.ts';
import { ApiError } from './api-error.ts';
import type { Cloud } from './cloud.ts';
import type { CallFault } from './fault.ts';
import { instanceRoutes } from './instances-api.ts';
import { RateLimit } from './rate-limit.ts';

const MAX_BODY_BYTES = 128 * 1024;

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** From a request to its answer: key, rate, right, body, fault, operation. */
export function createApi(cloud: Cloud, destroy: () => Promise<void>): Handler {
  const routes = [...accountRoutes(cloud), ...instanceRoutes(cloud)];
  const rate = new RateLimit(cloud.options.rate);

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<Answer | null> => {
    const url = new URL(request.url ?? '/', 'http://fluffycloud');
    const method = request.method ?? 'GET';
    const { authorization } = request.headers;
    if (url.pathname === '/admin' || url.pathname.startsWith('/admin/')) {
      const body = await readBody(request);
      return admin(cloud, { method, path: url.pathname, query: url.searchParams, authorization, body }, destroy);
    }

    const { route, id } = match(routes, method, url.pathname);
    cloud.faults.arrived(route.operation);
    const key = cloud.keys.check(authorization, Date.now());
    rate.take(key.id, performance.now());
    if (route.changes && key.readOnly) throw new ApiError('key-read-only', `key ${key.id} may look, not change`);
    const body = await readBody(request);
    const fault = cloud.faults.take(route.operation);
    const handle = (): Answer => route.handle({ id, query: url.searchParams, body, key, bend: bendOf(fault) });
    return fault === undefined ? handle() : misbehave(fault, handle, response);
  };

  return async (request, response) => {
    response.setHeader('x-request-id', `fr-${randomBytes(6).toString('hex')}`);
    try {
      const result = await answer(request, response);
      if (result !== null) send(response, result.status, result.body);
    } catch (error) {
      const refusal = error instanceof ApiError ? error : new ApiError('internal', 'something broke; see the log');
      if (refusal !== error) cloud.options.log(`${request.method} ${request.url}: ${describe(error)}`);
      if (refusal.retryAfterS !== undefined) response.setHeader('retry-after', refusal.retryAfterS);
      // What is left of a body that was refused is not waited for.
      if (refusal.code === 'body-too-large') response.setHeader('connection', 'close');
      const { code, message, details } = refusal;
      send(response, refusal.status, { error: { code, message, ...(details === undefined ? {} : { details }) } });
    }
  };
}

function match(routes: readonly Route[], method: string, path: string): { readonly route: Route; readonly id: string } {
  const parts = path.split('/');
  for (const route of routes) {
    const pattern = route.path.split('/');
    if (route.method !== method || pattern.length !== parts.length) continue;
    if (pattern.every((part, index) => part === ':id' || part === parts[index])) {
      return { route, id: parts[pattern.indexOf(':id')] ?? '' };
    }
  }
  throw new ApiError('no-such-route', `there is no ${method} ${path}`);
}

function bendOf(fault: CallFault | undefined): Bend {
  return {
    ignore: fault?.kind === 'ignore',
    asOf: fault?.kind === 'stale' ? Date.now() - fault.age_ms : null,
    bootFault: fault?.kind === 'never-boots' || fault?.kind === 'boot-fails' ? fault.kind : null,
  };
}

/** Null: there is nothing to answer any more. */
async function misbehave(fault: CallFault, handle: () => Answer, response: ServerResponse): Promise<Answer | null> {
  switch (fault.kind) {
    case 'reset':
      return cut(response);
    case 'drop-answer':
      handle();
      return cut(response);
    case 'hang':
      return null;
    case 'error':
      if (fault.after) handle();
      throw new ApiError(
        fault.after || fault.status !== 503 ? 'internal' : 'unavailable',
        'it was ordered so',
        undefined,
        {
          status: fault.status,
        },
      );
    case 'rate-limit':
      throw new ApiError('rate-limited', 'it was ordered so', undefined, { retryAfterS: fault.retry_after_s });
    case 'slow': {
      const result = handle();
      await sleep(fault.delay_ms, undefined, { ref: false });
      return result;
    }
    case 'garbage':
      handle();
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html><head><title>Fluffy Balancer</tit');
      return null;
    case 'ignore':
    case 'stale':
    case 'never-boots':
    case 'boot-fails':
      return handle();
  }
}

function cut(response: ServerResponse): null {
  response.socket?.resetAndDestroy();
  return null;
}

/** Undefined: there is none. @throws ApiError */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const tooLarge = new ApiError('body-too-large', `a body has at most ${MAX_BODY_BYTES} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw tooLarge;
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new ApiError('invalid-request', 'the body is no JSON');
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
