/** FluffyCloud's calls and the shapes of their answers. Nothing else here knows its paths and fields. */
import { BackendError, type Choice, type CloudInstanceState, type CreateRequest, OWNER_TAG } from '@berth/backend';
import { z } from 'zod';
import { allPages, request, type Session } from './request.ts';

const STATES = {
  booting: 'starting',
  running: 'running',
  stopping: 'stopping',
  stopped: 'stopped',
  terminating: 'terminating',
  terminated: 'terminated',
} as const satisfies Record<string, CloudInstanceState>;

export const Machine = z.object({
  id: z.string(),
  name: z.string(),
  tags: z.record(z.string(), z.string()),
  region: z.string(),
  // A status that the documentation does not name is an error, not a guess.
  status: z.enum(Object.keys(STATES) as (keyof typeof STATES)[]).transform((status) => STATES[status]), // its own keys
  ip: z.string().nullable(),
  ssh_port: z.int().nullable(),
  ssh_user: z.string(),
  ssh_host_key: z.string().nullable(),
  private_ip: z.string().nullable(),
});
export type Machine = z.output<typeof Machine>;

const Next = z.string().nullable();
const Machines = z
  .object({ instances: z.array(Machine), next_cursor: Next })
  .transform(({ instances, next_cursor }) => ({ items: instances, next: next_cursor }));

const InstanceType = z.object({
  name: z.string(),
  vcpus: z.int(),
  memory_mib: z.int(),
  disk_gb: z.number(),
  gpus: z.object({ model: z.string(), count: z.int(), memory_mib: z.int() }).nullable(),
  price_per_hour_cents: z.object({ on_demand: z.number(), spot: z.number().nullable() }),
  regions: z.record(z.string(), z.object({ in_stock: z.object({ on_demand: z.boolean(), spot: z.boolean() }) })),
});
export type InstanceType = z.output<typeof InstanceType>;

const InstanceTypes = z
  .object({ instance_types: z.array(InstanceType), next_cursor: Next })
  .transform(({ instance_types, next_cursor }) => ({ items: instance_types, next: next_cursor }));

const Quota = z.object({ limit: z.number(), used: z.number() });
const Account = z.object({
  account: z.object({ id: z.string(), name: z.string() }),
  key: z.object({ name: z.string(), read_only: z.boolean() }),
  quotas: z.array(z.object({ region: z.string(), vcpus: Quota })),
  instances: Quota,
});
export type Account = z.output<typeof Account>;

const Regions = z.object({ regions: z.array(z.object({ name: z.string(), title: z.string() })) });

export async function account(session: Session, signal: AbortSignal): Promise<Account> {
  return await request(session, { path: '/v1/account', schema: Account }, signal);
}

/** @throws BackendError `auth` for a key that may only look: it would fail at the first machine */
export function requireRights({ key }: Account): void {
  if (!key.read_only) return;
  throw new BackendError('auth', `The key "${key.name}" may only look; Berth needs one that may launch instances.`);
}

export async function regions(session: Session, signal: AbortSignal): Promise<readonly Choice[]> {
  const told = await request(session, { path: '/v1/regions', schema: Regions }, signal);
  return told.regions.map(({ name, title }) => ({ value: name, title: `${name} (${title})` }));
}

export async function instanceTypes(session: Session, signal: AbortSignal): Promise<readonly InstanceType[]> {
  return await allPages(session, { path: '/v1/instance-types', schema: InstanceTypes }, signal);
}

/** Of all regions; the cloud compares tags exactly (C3). */
export async function machines(
  session: Session,
  installation: string,
  signal: AbortSignal,
): Promise<readonly Machine[]> {
  const query = { tag: `${OWNER_TAG}:${installation}` };
  return await allPages(session, { path: '/v1/instances', query, schema: Machines }, signal);
}

export async function launch(session: Session, wanted: CreateRequest, signal: AbortSignal): Promise<Machine> {
  const { token, name, tags, offer, agentStart } = wanted;
  const body = {
    name,
    tags,
    instance_type: offer.instanceType,
    region: offer.region,
    spot: offer.capacityType === 'spot',
    ssh_public_keys: agentStart.kind === 'ssh' ? agentStart.authorizedKeys : [],
    client_token: token,
  };
  return await request(session, { method: 'POST', path: '/v1/instances', body, schema: Machine }, signal);
}

/** What is gone already is success (C4). */
export async function terminate(session: Session, id: string, signal: AbortSignal): Promise<void> {
  try {
    await request(session, { method: 'DELETE', path: instancePath(id), schema: Machine }, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Of what is stopped or stopping, respectively runs or boots, the cloud says 200 (C21). */
export async function turn(session: Session, id: string, how: 'stop' | 'start', signal: AbortSignal): Promise<void> {
  await request(session, { method: 'POST', path: `${instancePath(id)}/${how}`, schema: Machine }, signal);
}

function instancePath(id: string): string {
  return `/v1/instances/${encodeURIComponent(id)}`;
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'not-found';
}
