/**
 * Every operation of the HTTP API: its name, method and path. No imports, so that the command line
 * pays nothing for it at start-up; bodies and answers are in `api-schemas.ts` under the same names.
 */
export const API_PREFIX = '/api/v1';

export const ROUTES = {
  'server.info': ['GET', '/info'],
  'server.openapi': ['GET', '/openapi.json'],

  'user.me': ['GET', '/users/me'],
  'user.list': ['GET', '/users'],
  'user.create': ['POST', '/users'],
  'user.update': ['PATCH', '/users/{user}'],
  'token.list': ['GET', '/users/{user}/tokens'],
  'token.create': ['POST', '/users/{user}/tokens'],
  'token.revoke': ['DELETE', '/users/{user}/tokens/{token}'],

  'project.list': ['GET', '/projects'],
  'project.create': ['POST', '/projects'],
  'project.get': ['GET', '/projects/{project}'],
  'project.delete': ['DELETE', '/projects/{project}'],
  'member.put': ['PUT', '/projects/{project}/members/{user}'],
  'member.delete': ['DELETE', '/projects/{project}/members/{user}'],

  'secret.list': ['GET', '/projects/{project}/secrets'],
  'secret.put': ['PUT', '/projects/{project}/secrets/{secret}'],
  'secret.get': ['GET', '/projects/{project}/secrets/{secret}'],
  'secret.delete': ['DELETE', '/projects/{project}/secrets/{secret}'],

  /** What is installed, whether a project uses it or not. */
  'backend.types': ['GET', '/backend-types'],
  'backend.list': ['GET', '/projects/{project}/backends'],
  'backend.get': ['GET', '/projects/{project}/backends/{backend}'],
  'backend.put': ['PUT', '/projects/{project}/backends/{backend}'],
  'backend.delete': ['DELETE', '/projects/{project}/backends/{backend}'],
  /** Asks the cloud, and keeps nothing. */
  'backend.choices': ['POST', '/projects/{project}/backends/{backend}/choices'],
  'offer.list': ['POST', '/projects/{project}/offers'],
  /** The catalog, and with it the machines that the project's own backends have. */
  'offer.market': ['POST', '/projects/{project}/offers/market'],

  'catalog.offers': ['POST', '/catalog/offers'],
  'catalog.groups': ['POST', '/catalog/groups'],
  'catalog.gpus': ['GET', '/catalog/gpus'],
  'catalog.status': ['GET', '/catalog/status'],
  /** `gpu` is any spelling that the registry reads. */
  'catalog.history': ['GET', '/catalog/history/{gpu}'],

  'blob.missing': ['POST', '/projects/{project}/blobs/missing'],
  /** Body: the raw bytes. */
  'blob.put': ['PUT', '/projects/{project}/blobs/{hash}'],

  'run.plan': ['POST', '/projects/{project}/runs/plan'],
  'run.apply': ['POST', '/projects/{project}/runs'],
  'run.list': ['GET', '/projects/{project}/runs'],
  /** `run` is a name (the latest run of that name) or an id. */
  'run.get': ['GET', '/projects/{project}/runs/{run}'],
  'run.stop': ['POST', '/projects/{project}/runs/{run}/stop'],
  'run.delete': ['DELETE', '/projects/{project}/runs/{run}'],
  /** Server-sent events: `log`, then `end`. */
  'run.logs': ['GET', '/projects/{project}/runs/{run}/logs'],
  /** Server-sent events: a `run` event with the whole run at once and after every change, `end` when finished. */
  'run.watch': ['GET', '/projects/{project}/runs/{run}/watch'],
  'run.metrics': ['GET', '/projects/{project}/runs/{run}/metrics'],
  /** Answer: a gzip-compressed tar. */
  'run.artifacts': ['GET', '/projects/{project}/runs/{run}/artifacts'],

  'fleet.plan': ['POST', '/projects/{project}/fleets/plan'],
  'fleet.apply': ['POST', '/projects/{project}/fleets'],
  'fleet.list': ['GET', '/projects/{project}/fleets'],
  'fleet.get': ['GET', '/projects/{project}/fleets/{fleet}'],
  'fleet.delete': ['DELETE', '/projects/{project}/fleets/{fleet}'],

  'instance.list': ['GET', '/projects/{project}/instances'],
  'instance.get': ['GET', '/projects/{project}/instances/{instance}'],
  'instance.delete': ['DELETE', '/projects/{project}/instances/{instance}'],

  /** What clouds list against the books, now. */
  'instance.sweep': ['POST', '/projects/{project}/sweep'],
  'cost.get': ['GET', '/projects/{project}/cost'],

  'event.list': ['GET', '/projects/{project}/events'],
  /** Server-sent events: `event`, for ever. */
  'event.watch': ['GET', '/projects/{project}/events/watch'],
} as const satisfies Record<string, readonly [Method, string]>;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type RouteName = keyof typeof ROUTES;

type ParamsOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamsOf<Rest>
  : never;
/** The names in braces of a route's path. */
export type RouteParams<Name extends RouteName> = {
  readonly [P in ParamsOf<(typeof ROUTES)[Name][1]>]: string;
};

/** Bodies that no route may exceed, in bytes; blobs have a limit of their own. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** The largest blob (code or files, compressed) in bytes, unless the server's config says otherwise. */
export const MAX_BLOB_BYTES = 256 * 1024 * 1024;
