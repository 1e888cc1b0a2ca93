import type { SshKeyPair } from './ssh-key-pair.ts';

export const STATUSES = ['booting', 'running', 'stopping', 'stopped', 'terminating', 'terminated'] as const;
export type Status = (typeof STATUSES)[number];
export type StatusReason = 'user' | 'spot-reclaimed' | 'host-failure' | 'boot-failed';

/** Where a machine is reached. */
export interface Address {
  readonly ip: string;
  readonly sshPort: number;
  readonly privateIp: string;
}

/** An instance as the cloud keeps it. Times are milliseconds since 1970. */
export interface Instance {
  readonly id: string;
  /** Order of launch; cursors are made of it. */
  readonly seq: number;
  readonly name: string;
  readonly status: Status;
  readonly statusReason: StatusReason | null;
  readonly statusSince: number;
  readonly instanceType: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly region: string;
  readonly spot: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly sshPublicKeys: readonly string[];
  readonly userData: string | null;
  readonly clientToken: string | null;
  /** Of the launch's body with its defaults filled in. */
  readonly bodyHash: string;
  readonly createdAt: number;
  readonly terminatedAt: number | null;
  readonly address: Address | null;
  readonly hostKey: SshKeyPair;
  readonly priceCents: number;
  /** What was charged until `statusSince`. */
  readonly costCents: number;
  /** Told to misbehave by a fault. */
  readonly bootFault: 'never-boots' | 'boot-fails' | null;
}

/** What a stopped machine's disk costs, as a part of the machine's price. */
const DISK_SHARE = 0.1;

export type Billed = 'full' | 'disk' | 'none';

export function billed(status: Status): Billed {
  if (status === 'terminated') return 'none';
  return status === 'stopped' ? 'disk' : 'full';
}

/** What the instance has cost until `now`. */
export function costAt(instance: Instance, now: number): number {
  const share = { full: 1, disk: DISK_SHARE, none: 0 }[billed(instance.status)];
  return instance.costCents + (instance.priceCents * share * (now - instance.statusSince)) / 3_600_000;
}

/** The instance in another status: its costs are settled, and an address is kept only while it runs. */
export function inStatus(
  instance: Instance,
  status: Status,
  now: number,
  more: { readonly reason?: StatusReason | null; readonly address?: Address } = {},
): Instance {
  return {
    ...instance,
    status,
    statusReason: more.reason === undefined ? instance.statusReason : more.reason,
    statusSince: now,
    costCents: costAt(instance, now),
    address: status === 'running' ? (more.address ?? instance.address) : null,
    terminatedAt: status === 'terminated' ? now : null,
  };
}

/** As the API tells of it. */
export function toJson(instance: Instance): Record<string, unknown> {
  const { address } = instance;
  return {
    id: instance.id,
    name: instance.name,
    status: instance.status,
    status_reason: instance.statusReason,
    instance_type: instance.instanceType,
    region: instance.region,
    spot: instance.spot,
    price_per_hour_cents: instance.priceCents,
    tags: instance.tags,
    created_at: new Date(instance.createdAt).toISOString(),
    terminated_at: instance.terminatedAt === null ? null : new Date(instance.terminatedAt).toISOString(),
    ip: address?.ip ?? null,
    ssh_port: address?.sshPort ?? null,
    ssh_user: 'root',
    ssh_host_key: address === null ? null : instance.hostKey.public,
    private_ip: address?.privateIp ?? null,
  };
}
