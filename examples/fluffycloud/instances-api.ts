import type { Answer, ApiCall, Route } from './api-call.ts';
import { ApiError } from './api-error.ts';
import type { Cloud } from './cloud.ts';
import type { Instance, Status } from './instance.ts';
import { inStatus, toJson } from './instance.ts';
import { launch } from './launch.ts';
import { parseTags } from './launch-request.ts';
import { pageOf } from './page.ts';

/** Launch, list, get, terminate, stop, start, tags. */
export function instanceRoutes(cloud: Cloud): Route[] {
  const path = '/v1/instances';
  const one = `${path}/:id`;
  return [
    { method: 'POST', path, operation: 'launch', changes: true, handle: (call) => launch(cloud, call) },
    { method: 'GET', path, operation: 'list', changes: false, handle: (call) => list(cloud, call) },
    { method: 'GET', path: one, operation: 'get', changes: false, handle: (call) => get(cloud, call) },
    {
      method: 'DELETE',
      path: one,
      operation: 'terminate',
      changes: true,
      handle: (call) => move(cloud, call, TERMINATE),
    },
    {
      method: 'POST',
      path: `${one}/stop`,
      operation: 'stop',
      changes: true,
      handle: (call) => move(cloud, call, STOP),
    },
    {
      method: 'POST',
      path: `${one}/start`,
      operation: 'start',
      changes: true,
      handle: (call) => move(cloud, call, START),
    },
    { method: 'PUT', path: `${one}/tags`, operation: 'tags', changes: true, handle: (call) => setTags(cloud, call) },
  ];
}

/** A change of status that a client may order. */
interface Move {
  readonly to: Status;
  readonly from: readonly Status[];
  /** In these it was ordered before, and answers with the status. */
  readonly already: Partial<Record<Status, number>>;
}

const TERMINATE: Move = {
  to: 'terminating',
  from: ['booting', 'running', 'stopping', 'stopped'],
  already: { terminating: 202, terminated: 200 },
};
const STOP: Move = { to: 'stopping', from: ['booting', 'running'], already: { stopping: 200, stopped: 200 } };
const START: Move = { to: 'booting', from: ['stopped'], already: { booting: 200, running: 200 } };

function move(cloud: Cloud, { id, bend }: ApiCall, wanted: Move): Answer {
  const instance = find(cloud, id);
  const already = wanted.already[instance.status];
  if (already !== undefined) return { status: already, body: toJson(instance) };
  if (!wanted.from.includes(instance.status)) {
    throw new ApiError('wrong-state', `${id} is ${instance.status}`, { status: instance.status });
  }
  if (bend.ignore) return { status: 202, body: toJson(inStatus(instance, wanted.to, Date.now())) };
  const now = Date.now();
  const moved = {
    ...inStatus(instance, wanted.to, now, { reason: wanted.to === 'booting' ? null : 'user' }),
    bootFault: bend.bootFault ?? (wanted.to === 'booting' ? null : instance.bootFault),
  };
  cloud.instances.save(moved, now);
  cloud.lifecycle.follow(id);
  return { status: 202, body: toJson(moved) };
}

function setTags(cloud: Cloud, { id, body }: ApiCall): Answer {
  const tags = parseTags(body);
  const instance = find(cloud, id);
  if (instance.status === 'terminating' || instance.status === 'terminated') {
    throw new ApiError('wrong-state', `${id} is ${instance.status}`, { status: instance.status });
  }
  const tagged = { ...instance, tags };
  cloud.instances.save(tagged, Date.now());
  return { status: 200, body: toJson(tagged) };
}

function get(cloud: Cloud, { id, bend }: ApiCall): Answer {
  const instance = bend.asOf === null ? find(cloud, id) : cloud.instances.asOf(bend.asOf).find((old) => old.id === id);
  if (instance === undefined) throw new ApiError('not-found', `no instance ${id}`);
  return { status: 200, body: toJson(instance) };
}

function list(cloud: Cloud, { query, bend }: ApiCall): Answer {
  const now = bend.asOf ?? Date.now();
  const instances = bend.asOf === null ? cloud.instances.all() : cloud.instances.asOf(bend.asOf);
  const fits = filterOf(query);
  const visible = instances.filter(
    (instance) => instance.createdAt + cloud.listLagMs <= now && isListed(cloud, instance, now) && fits(instance),
  );
  const page = pageOf(visible, query, cloud.options.pageSize);
  return { status: 200, body: { instances: page.items.map(toJson), next_cursor: page.nextCursor } };
}

/** @throws ApiError `invalid-request` about a filter that does not exist: it would show too much */
function filterOf(query: URLSearchParams): (instance: Instance) => boolean {
  const tests: ((instance: Instance) => boolean)[] = [];
  for (const [name, value] of query) {
    if (name === 'cursor' || name === 'limit') continue;
    if (name === 'name') tests.push((instance) => instance.name === value);
    else if (name === 'region') tests.push((instance) => instance.region === value);
    else if (name === 'status') tests.push((instance) => instance.status === value);
    else if (name === 'tag') {
      const colon = value.indexOf(':');
      const key = colon === -1 ? value : value.slice(0, colon);
      const wanted = colon === -1 ? null : value.slice(colon + 1);
      tests.push(({ tags }) => Object.hasOwn(tags, key) && (wanted === null || tags[key] === wanted));
    } else throw new ApiError('invalid-request', `there is no filter "${name}"`, { field: name });
  }
  return (instance) => tests.every((test) => test(instance));
}

function isListed(cloud: Cloud, { terminatedAt }: Instance, now: number): boolean {
  return terminatedAt === null || terminatedAt + cloud.options.terminatedListedMs > now;
}

function find(cloud: Cloud, id: string): Instance {
  const instance = cloud.instances.get(id);
  if (instance === undefined || !isListed(cloud, instance, Date.now())) {
    throw new ApiError('not-found', `no instance ${id}`);
  }
  return instance;
}
