import { API_PREFIX, ROUTES, type RouteName } from '@berth/core/api-routes';
import * as schemas from '@berth/core/api-schemas';
import { VERSION } from '@berth/core/version';
import { z } from 'zod';

/** The API as an OpenAPI 3.1 document, made of the schemas that the server itself parses with. */

type Json = { readonly [key: string]: unknown };

interface Operation {
  readonly summary: string;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly response: z.ZodType;
  readonly access: string;
  readonly stream?: 'sse' | 'bytes';
}

/** Events of a stream, besides `error`, whose data is an ErrorView. */
const EVENTS: Partial<Record<RouteName, string>> = {
  'run.logs':
    'Events `log` (the schema below; `id` is the offset of the next byte, sent back as `Last-Event-ID` to go on there), then `end`. Without `follow=true` it ends with what there is.',
  'run.watch': 'An event `run` (the schema below) at once and after every change, then `end` when the run is finished.',
  'event.watch': 'Events `event` (the schema below), without end; `Last-Event-ID` goes on behind that event.',
};

const ACCESS: Readonly<Record<string, string>> = {
  public: 'No token is needed.',
  user: 'Any user.',
  member: 'Members of the project.',
  manager: 'Managers and admins of the project.',
  admin: 'Admins of the project.',
  'global-admin': 'Admins of the server.',
};

let made: Json | undefined;

export function openApiDocument(): Json {
  made ??= {
    openapi: '3.1.0',
    info: {
      title: 'Berth',
      version: VERSION,
      description:
        'Every time is in milliseconds since the Unix epoch, every price in US dollars. An answer that is not 2xx is an ErrorView.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: API_PREFIX }],
    security: [{ token: [] }],
    paths: paths(),
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: '`berth_` and 64 hexadecimal digits.' },
      },
      schemas: Object.fromEntries(components()),
    },
  };
  return made;
}

/** The schemas that have a name of their own, under that name. */
function named(): readonly (readonly [string, z.ZodType])[] {
  return Object.entries(schemas).flatMap(([name, value]) =>
    /^[A-Z][a-z]/.test(name) && value instanceof z.ZodType ? [[name, value] as const] : [],
  );
}

function components(): [string, unknown][] {
  return named().map(([name, schema]) => [name, jsonSchema(schema, 'output', name)]);
}

function paths(): Json {
  const all: Record<string, Record<string, unknown>> = {};
  for (const [name, [method, path]] of Object.entries(ROUTES) as [RouteName, readonly [string, string]][]) {
    all[path] ??= {};
    all[path][method.toLowerCase()] = operation(name, path, schemas.API[name]);
  }
  return all;
}

function operation(name: RouteName, path: string, { summary, query, body, response, access, stream }: Operation): Json {
  return {
    operationId: name,
    tags: [name.split('.')[0]],
    summary,
    description: ACCESS[access],
    parameters: [...pathParameters(path), ...(query === undefined ? [] : queryParameters(query))],
    ...requestBody(name, body),
    responses: {
      200: {
        description: (stream === 'sse' ? EVENTS[name] : undefined) ?? summary,
        content: content(response, stream),
      },
      default: { description: 'What went wrong', content: { 'application/json': { schema: ref('ErrorView') } } },
    },
    ...(access === 'public' ? { security: [] } : {}),
  };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', minLength: 1 },
  }));
}

function queryParameters(query: z.ZodType): Json[] {
  const { properties = {}, required = [] } = jsonSchema(query, 'input') as {
    properties?: Record<string, unknown>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    // Whatever it becomes, in a URL it is text; what it is coerced to says more.
    schema: Object.keys(schema as object).length === 0 ? { type: 'integer' } : schema,
  }));
}

function requestBody(name: RouteName, body: z.ZodType | undefined): Json {
  if (name === 'blob.put') {
    const schema = { type: 'string', format: 'binary' };
    return { requestBody: { required: true, content: { 'application/octet-stream': { schema } } } };
  }
  if (body === undefined) return {};
  return { requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(body, 'input') } } } };
}

function content(response: z.ZodType, stream: 'sse' | 'bytes' | undefined): Json {
  if (stream === 'bytes') return { 'application/gzip': { schema: { type: 'string', format: 'binary' } } };
  const schema = jsonSchema(response, 'output');
  return stream === 'sse' ? { 'text/event-stream': { schema } } : { 'application/json': { schema } };
}

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

/** A schema in which those that have a name are references. `except`: the name of the one being defined. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output', except?: string): Json {
  const registry = z.registry<{ id?: string }>();
  for (const [name, value] of named()) if (name !== except) registry.add(value, { id: name });
  if (except === undefined) {
    const whole = named().find(([, value]) => value === schema);
    if (whole !== undefined) return ref(whole[0]);
  }
  const made = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    metadata: registry,
    unrepresentable: 'any',
    reused: 'inline',
  }) as Json;
  return relocated(made, io) as Json;
}

/** zod puts what is referred to beside the schema; here all of it is under `components`. */
function relocated(value: unknown, io: 'input' | 'output'): unknown {
  if (Array.isArray(value)) return value.map((item) => relocated(item, io));
  if (typeof value !== 'object' || value === null) return value;
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    // Answers may grow: a client must not refuse a field that it does not know.
    if (key === 'additionalProperties' && item === false && io === 'output') continue;
    if (key === '$defs' || key === '$schema' || key === '~standard') continue;
    // A name for the schema itself, which its place tells already.
    if (key === 'id' && typeof item === 'string' && Object.hasOwn(schemas, item)) continue;
    out[key] =
      key === '$ref' && typeof item === 'string'
        ? item.replace('#/$defs/', '#/components/schemas/')
        : relocated(item, io);
  }
  return out;
}
