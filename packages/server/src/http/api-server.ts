import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '@berth/backend';
import { API_PREFIX, MAX_BODY_BYTES, ROUTES, type RouteName } from '@berth/core/api-routes';
import { API } from '@berth/core/api-schemas';
import { BerthError } from '@berth/core/errors';
import type { Store } from '@berth/store';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { z } from 'zod';
import type { Authenticator, Caller } from '../auth/authenticate.ts';
import { checkProject, checkToken, type ProjectAccess } from '../auth/permission.ts';
import type { Call, Download, Handlers } from './call.ts';
import { type Refusal, refusalOf, schemaError } from './error-view.ts';
import { EventStream, ReaderGone } from './event-stream.ts';
import { expectRequests } from './expect-requests.ts';
import { parseJson } from './json-body.ts';
import { refusal } from './origin.ts';

export interface ApiServerOptions {
  readonly handlers: Handlers;
  readonly store: Store;
  readonly authenticator: Authenticator;
  readonly log: Logger;
  /** It listens on a loopback address only. */
  readonly loopback: boolean;
  /** Aborted when the server stops: streams break off. */
  readonly stopping: AbortSignal;
  /** Parses answers as well, so that a test sees one that its schema does not promise. */
  readonly checkAnswers?: boolean;
  /** How long a stream may outlive the right to it; half a minute when absent. */
  readonly recheckMs?: number;
}

/** Names of things are at most 100 characters long; ids and hashes 64. */
const MAX_PARAMETER_CHARACTERS = 120;
const MAX_HEADER_BYTES = 16 * 1024;
/** A client that has not said in this time what it wants is not one. */
const HEADERS_TIMEOUT_MS = 10_000;
/** 256 MiB in this time are 75 KB/s. */
const REQUEST_TIMEOUT_MS = 60 * 60_000;
/** A connection on which nothing moves, and nobody is being answered. */
const IDLE_TIMEOUT_MS = 120_000;
/** How late the two limits above may be found out. An idle server should not wake up for it. */
const CHECK_CONNECTIONS_MS = 3 * 60_000;
/** How long a body may still come that nobody wants, so that its sender gets to read why. */
const LINGER_MS = 10_000;
/** For a token that was revoked, a member that was removed. */
const RECHECK_MS = 30_000;
/** Each costs some 30 KB; what comes above is not even accepted. */
const MAX_CONNECTIONS = 2000;

/** Requests are parsed with zod. Fastify would load its own compilers all the same: 10 MB, and 50 ms at every start. */
const unused = (): never => {
  throw new Error('no route has a JSON schema');
};
const NO_COMPILERS = { buildValidator: unused, buildSerializer: unused };

interface Granted {
  readonly caller: Caller | null;
  readonly access: ProjectAccess | null;
}

/** Every route of the API, with what guards it: origin, token, role, schema. Handlers see only what passed. */
export function createApiServer(options: ApiServerOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    schemaController: { compilersFactory: NO_COMPILERS },
    bodyLimit: MAX_BODY_BYTES,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: MAX_PARAMETER_CHARACTERS, ignoreTrailingSlash: false },
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_CONNECTIONS_MS,
    },
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, _request, reply) => answer(reply, refusalOf(error, makeErrorId)),
  });
  const server: Server = app.server;
  server.maxConnections = MAX_CONNECTIONS;
  expectRequests(server, HEADERS_TIMEOUT_MS);

  const granted = new WeakMap<FastifyRequest, Granted>();
  const refuse = (error: unknown, request: FastifyRequest): Refusal => {
    const refused = refusalOf(error, makeErrorId);
    if (refused.defect) {
      options.log.error('request failed', {
        error_id: refused.body.error.details?.error_id,
        method: request.method,
        route: request.routeOptions.url,
        error,
      });
    }
    return refused;
  };

  app.setErrorHandler((error, request, reply) => answer(reply, refuse(error, request)));
  app.setNotFoundHandler((request, reply) => {
    const error = new BerthError('not-found', `There is no ${request.method} ${quoted(request.url)} here.`, {
      hint: `${API_PREFIX}/openapi.json lists every route.`,
    });
    return answer(reply, refusalOf(error, makeErrorId));
  });

  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    const { host, origin } = request.headers;
    const why = refusal({ host, origin, loopback: options.loopback });
    if (why !== null) throw new BerthError('forbidden', `The request is refused: ${why}.`);
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: FastifyRequest, body: string) =>
    parseJson(body),
  );

  for (const name of Object.keys(ROUTES) as RouteName[]) {
    if (name === 'blob.put') continue;
    register(app, name);
  }
  // A body of any type, left in the connection for the handler to read.
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', async () => undefined);
    register(scope, 'blob.put');
  });

  function register(scope: FastifyInstance, name: RouteName): void {
    const [method, path] = ROUTES[name];
    scope.route({
      method,
      url: API_PREFIX + path.replace(/\{(\w+)\}/g, ':$1'),
      // Before the body is read: who may not ask shall not send megabytes either.
      onRequest: async (request) => {
        granted.set(request, await grant(name, request));
      },
      handler: async (request, reply) => {
        const call = parseCall(name, request, granted.get(request));
        return respond(name, call, request, reply);
      },
    });
  }

  async function grant(name: RouteName, request: FastifyRequest): Promise<Granted> {
    if (API[name].access === 'public') return { caller: null, access: null };
    const caller = await options.authenticator.authenticate(request.headers.authorization);
    checkToken(name, caller);
    const { project } = request.params as { readonly project?: string }; // made by the router from the path
    return { caller, access: project === undefined ? null : await checkProject(options.store, name, caller, project) };
  }

  async function respond(name: RouteName, call: Call<RouteName>, request: FastifyRequest, reply: FastifyReply) {
    // The types of a route hold between its schema and its handler; here, among all routes, they are forgotten.
    const handler = options.handlers[name] as (call: Call<RouteName>, more?: unknown) => Promise<unknown>;
    const operation: { readonly stream?: string; readonly response: z.ZodType } = API[name];
    if (operation.stream === 'sse') return stream(name, handler, call, request, reply);
    if (operation.stream === 'bytes') {
      const { bytes, contentType, fileName, body } = (await handler(call)) as Download;
      return reply
        .type(contentType)
        .header('content-length', bytes)
        .header('content-disposition', `attachment; filename="${fileName}"`)
        .send(body);
    }
    const result = await handler(call, name === 'blob.put' ? request.raw : undefined);
    return reply.send(options.checkAnswers === true ? strictly(operation.response, result) : result);
  }

  async function stream(
    name: RouteName,
    handler: (call: Call<RouteName>, open: () => EventStream) => Promise<unknown>,
    call: Call<RouteName>,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    let opened: EventStream | null = null;
    let recheck: NodeJS.Timeout | undefined;
    const fail = async (stream: EventStream, error: unknown): Promise<void> => {
      if (error instanceof ReaderGone || stream.signal.aborted) return;
      await stream.end({ event: 'error', data: refuse(error, request).body }).catch(() => undefined); // gone meanwhile
    };
    const open = (): EventStream => {
      reply.hijack();
      const stream = new EventStream(reply.raw, options.stopping);
      recheck = setInterval(
        () => grant(name, request).catch((error: unknown) => fail(stream, error)),
        options.recheckMs ?? RECHECK_MS,
      );
      opened = stream;
      return stream;
    };
    try {
      await handler(call, open);
    } catch (error) {
      const stream = opened as EventStream | null; // set by `open`, which TypeScript cannot see
      if (stream === null) throw error;
      await fail(stream, error);
    } finally {
      clearInterval(recheck);
    }
  }

  return app;
}

function parseCall(name: RouteName, request: FastifyRequest, granted: Granted | undefined): Call<RouteName> {
  if (granted === undefined) throw new Error(`${name} was reached without being granted`);
  const operation: { readonly summary: string; readonly query?: z.ZodType; readonly body?: z.ZodType } = API[name];
  const parse = (where: 'body' | 'query', schema: z.ZodType | undefined, value: unknown): unknown => {
    if (schema === undefined) return undefined;
    const result = schema.safeParse(value);
    if (!result.success) throw schemaError(where, result.error, schema, value);
    return result.data;
  };
  return {
    ...granted,
    params: request.params,
    query: parse('query', operation.query, request.query),
    // Where every field is optional, no body at all says the same as an empty object.
    body: parse('body', operation.body, request.body ?? {}),
    headers: request.headers,
  } as Call<RouteName>; // its types are those of the schemas that parsed it
}

function strictly(schema: z.ZodType, value: unknown): unknown {
  const result = schema.safeParse(value);
  if (!result.success) throw new Error(`the answer does not fit its schema: ${result.error.message}`);
  if (JSON.stringify(result.data) !== JSON.stringify(value)) throw new Error('the answer holds more than its schema');
  return value;
}

function answer(reply: FastifyReply, { status, body }: Refusal): FastifyReply {
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  linger(reply);
  return reply.code(status).type('application/json; charset=utf-8').send(body);
}

/** Node reads and drops what is left of a body after the answer; closing at once would cut the answer off. */
function linger(reply: FastifyReply): void {
  const { raw: incoming } = reply.request;
  reply.removeHeader('connection');
  if (incoming.complete) return;
  reply.raw.once('finish', () => {
    const enough = setTimeout(() => incoming.destroy(), LINGER_MS).unref();
    incoming.once('close', () => clearTimeout(enough));
  });
}

/** What is not even HTTP, or has headers beyond all measure. */
function refuseConnection(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [status, words, code, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ([431, 'Request Header Fields Too Large', 'too-large', 'The headers of the request are too large.'] as const)
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ([408, 'Request Timeout', 'invalid-request', 'The request did not arrive in time.'] as const)
        : ([400, 'Bad Request', 'invalid-request', 'This is not an HTTP request.'] as const);
  const body = JSON.stringify({ error: { code, message } });
  socket.end(
    `HTTP/1.1 ${status} ${words}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Marks one failure in the log and in the answer; no secret, so its randomness need not be handed in. */
const makeErrorId = (): string => randomBytes(6).toString('hex');

const quoted = (url: string): string => JSON.stringify(url.length > 200 ? `${url.slice(0, 200)}…` : url);
