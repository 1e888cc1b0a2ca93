/**
 * The contract for adding a cloud, version 1. A backend is one folder (or npm package) whose
 * package.json says `"berth": { "backend": "./src/index.ts" }` and whose module has one default
 * export: the result of `defineBackend`. Nothing else in Berth names it. Beside it the folder may name
 * `"conformance": "./src/conformance.ts"`: the fake of the cloud that `berth backend check` runs against.
 *
 * Rules, by number; code comments, error messages and the conformance kit refer to them.
 *
 * Machines
 *   C1  `create` returns as soon as the cloud's id is known. The address may follow through `list`.
 *   C2  `create` with a token that was used before gives the same machine, also when the first answer was
 *       lost, also when both calls run at the same time. Name and tags are set by the call that creates:
 *       at no moment is there a machine without them. A token whose machine is gone is `config`.
 *   C3  `list` returns all machines that carry our owner tag exactly, of all regions and pages, stopped and
 *       terminating ones included, and no others: neither an account's other machines, nor those of
 *       another installation, nor one whose name or tag merely begins like ours.
 *   C4  `terminate` of what is gone, or going, is success, and so is that of a machine that is still being
 *       created or is stopped. It may return before the machine is gone; until then `list` shows it.
 *   C14 Who has no tags is known by name: `request.name` is kept exactly and read back with `tokenOfName`.
 *   C15 `state` is what is billed: a machine is `terminated`, or missing in `list`, only when the cloud
 *       charges nothing for it any more.
 *
 * Calls
 *   C5  Every call honours `call.signal`; it never outlives it.
 *   C6  Errors are `BackendError`s with a code and a scope. Anything else thrown counts as `unknown`,
 *       which means: the outcome is not known, look with `list`. Out of stock is `no-capacity`, a limit of
 *       the account `quota`, credentials that are wrong, expired or lack a right `auth`. `transient` promises that
 *       nothing was done: what `http` calls so, because it may be sent again, counts as `unknown` where it made something.
 *   C7  No secret appears in an error, a log line, a tag, `providerData` or `cloudId`.
 *   C16 Everything from outside comes through the context: clock, randomness, `http`, log, state directory.
 *       A request that is refused for being too fast (429), or before it was begun (5xx that says so), is
 *       repeated after the time that the cloud gives, within the call's deadline; `context.http` does that.
 *   C17 `configure` refuses wrong credentials with `auth`, costs one cheap call, and creates nothing.
 *
 * The definition
 *   C8  What a backend can do is what its compute has: an optional member that is present works.
 *   C9  The module's default export is what `defineBackend` returned; importing it does nothing else.
 *   C10 The definition has every required member, each of its type.
 *   C11 Config and every kind of credentials have a zod schema; keys that a schema does not know are refused.
 *   C12 One backend has a `type`: of two packages with the same one, the first found is used.
 *   C13 A backend without `compute` is a price list: its offers are shown, and nothing is created there.
 *   C18 A machine of kind `vm` is Linux with a reachable sshd, and has Docker and the GPU runtime, or an image
 *       on which they can be installed; our start script or key reaches it unchanged. One of kind `container`
 *       runs the given image with the given command as root, with the registry's credentials where there are some.
 *   C19 The offers that a backend asks for agree with what it lists: `create` of an offer makes that type, in
 *       that region and zone, of that capacity type, or is refused.
 *
 * Facets
 *   C20 `offers` changes nothing of an offer but its availability.
 *   C21 `suspend`: `stop` keeps disk, name, tags and token; `start` brings the same machine back, perhaps at another
 *       address. Of what is stopped already, or runs already, each is success. A stopped machine can be terminated.
 *   C22 `ports`: opening what is open, and closing what is closed, is success. What was not opened stays closed.
 *   C23 `volumes`: `create` obeys C2. A volume is attached to one machine; detaching what is not attached is success.
 *       Deleting an attached one is refused as `config`, deleting a missing one is success. One that was
 *       registered is never deleted. Data survives detaching and the end of the machine.
 *   C24 `placement`: `create` obeys C2; deleting a missing group is success, deleting one in use is `transient`.
 *   C25 `group`: all machines or none; what a partial failure left behind is terminated by the backend or, where
 *       that fails, is found by `list`. Each machine obeys C2 by its own token.
 *   C26 `bootstrap`: `ensure` finds what is there, also what another server made a moment ago, and makes only
 *       what is missing. `remove` of what is still in use is `transient`, and waits for nothing.
 *   C27 `reservations` lists what the account has; a `create` that names one uses it or is refused.
 *   C28 `images`: the image that is resolved exists in that region and fits the architecture.
 *   C29 `gateways`: as machines are (C1 to C4), with a public address.
 */

import type { Collect } from '@berth/catalog/catalog-source';
import type { IntegrityRule } from '@berth/catalog/integrity-rule';
import type {
  AcceleratorCount,
  Clock,
  CpuArch,
  InstanceId,
  InstanceResources,
  Offer,
  RandomBytes,
  Requirements,
  Secret,
} from '@berth/core';
import type { Http } from '@berth/http';
import type { ZodType } from 'zod';

/** What a backend gives us: a machine of our own, or only a container. */
export const BACKEND_KINDS = ['vm', 'container'] as const;
export type BackendKind = (typeof BACKEND_KINDS)[number];

export interface BackendLimits {
  /** Longest name of a machine that the cloud takes, in characters; at least `SHORTEST_NAME_LIMIT`. */
  readonly nameLength: number;
  /** False: machines are recognised by name alone. */
  readonly tags: boolean;
  /** Longest key of a tag, in characters; absent: 63. A longer one of the user's is refused as `config`. */
  readonly tagKeyLength?: number;
  /** From `create` until the agent must have answered, in ms; after that the machine is given up. */
  readonly provisioningTimeoutMs: number;
  /**
   * How late `list` and `terminate` may learn of a new machine, in ms. That a machine younger than this
   * is gone is believed only when it is said twice. Absent: 30 s, which covers what EC2 documents; 0: at once.
   */
  readonly listLagMs?: number;
}

/** Carried by every call to a backend. */
export interface Call {
  /** Aborted at the deadline or when the caller has lost interest (C5). */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Given once, when a backend is configured for a project. */
export interface BackendContext<Config, Credentials> {
  /** The backend's name in this project; offers carry it. */
  readonly name: string;
  /** Identifies this installation of Berth; part of every owner tag (C3). Twelve hexadecimal digits. */
  readonly installation: string;
  readonly config: Config;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  /** Deadlines, retries with the delay that the cloud gives (C16), bounded answers; its errors map by themselves (C6). */
  readonly http: Http;
  /** A directory of this backend's own on the server's disk, mode 0700, for what it must remember. */
  readonly stateDir: string;
}

/** How Berth's agent gets onto a machine; the definition says which one the cloud offers. */
export const AGENT_STARTS = ['process', 'user-data', 'ssh', 'entrypoint'] as const;
export type AgentStartKind = (typeof AGENT_STARTS)[number];

/** Longest `user-data` script in bytes: EC2's limit before encoding, the least of those that we know. */
export const MAX_USER_DATA_BYTES = 16 * 1024;
/** Longest command of an `entrypoint` in bytes, all words together: what the strictest container clouds take. */
export const MAX_ENTRYPOINT_BYTES = 2 * 1024;

/** What starts the agent. Made by Berth, never by the backend, which passes it on unchanged. */
export type AgentStart =
  /** Start this process on this machine, detached, and keep it out of our process group. */
  | {
      readonly kind: 'process';
      readonly argv: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      /** The agent listens here once it is up. */
      readonly socketPath: string;
      /** The agent's directory: journal, jobs, log. Removed with the instance. */
      readonly dir: string;
    }
  /** A VM whose image has cloud-init, or another way to run a script as root at its first boot. Begins with `#!`. */
  | { readonly kind: 'user-data'; readonly script: string }
  /** A VM that takes public keys, in OpenSSH's form. Berth comes by SSH and does the rest. */
  | { readonly kind: 'ssh'; readonly authorizedKeys: readonly string[] }
  /** A container cloud: run this image with this command, as root, whatever the image says. */
  | {
      readonly kind: 'entrypoint';
      readonly image: string;
      readonly command: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly registry: { readonly username: string; readonly password: Secret<string> } | null;
    };

export type ProcessStart = Extract<AgentStart, { readonly kind: 'process' }>;

export interface CreateRequest {
  readonly instance: InstanceId;
  /** C2. Unique per machine, lower-case letters and digits, at most 32 characters. */
  readonly token: string;
  /** `machineName` of installation and token: within `limits.nameLength`. */
  readonly name: string;
  /** `ownerTags` (C3) and the user's own, already merged; at most 63 characters each, of `[a-z0-9_-]`. */
  readonly tags: Readonly<Record<string, string>>;
  readonly offer: Offer;
  readonly agentStart: AgentStart;
  /** What `bootstrap.ensure` said of the region; null: the backend has no such facet. */
  readonly shared: SharedParts | null;
  /** The cloud's id of a group that `placement.create` made. */
  readonly placementGroup: string | null;
  /** Use this reservation, or refuse. */
  readonly reservation: string | null;
}

/** How the server's link reaches the agent. */
export type AgentAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | {
      readonly kind: 'ssh';
      readonly host: string;
      readonly port: number;
      readonly user: string;
      /** Known host keys in OpenSSH's form (`ssh-ed25519 AAAA…`); empty: the first one that is seen is pinned. */
      readonly hostKeys: readonly string[];
    };

export const CLOUD_INSTANCE_STATES = [
  'starting',
  'running',
  'stopping',
  'stopped',
  /** On its way out, still billed or still listed. */
  'terminating',
  'terminated',
] as const;
export type CloudInstanceState = (typeof CLOUD_INSTANCE_STATES)[number];

/** A machine as the cloud tells of it. */
export interface CloudInstance {
  /** The cloud's own id. */
  readonly cloudId: string;
  /** The token it was created with, read back from its tags or name; null: not ours to settle by token. */
  readonly token: string | null;
  readonly name: string;
  readonly region: string;
  readonly zone: string | null;
  readonly state: CloudInstanceState;
  readonly address: AgentAddress | null;
  /** On the network that the nodes of one replica share. */
  readonly internalIp: string | null;
  /** What the machine really has, where that is known better than by the offer. */
  readonly resources?: InstanceResources;
  /** Device ids that the machine may hand to jobs, in the order of `resources.accelerators`. */
  readonly gpuDevices?: readonly string[];
}

export interface InstanceRef {
  readonly cloudId: string;
  readonly token: string;
  readonly region: string;
  readonly zone: string | null;
}

/** A configured backend's driver. */
export interface Compute {
  create(request: CreateRequest, call: Call): Promise<CloudInstance>;
  list(call: Call): Promise<readonly CloudInstance[]>;
  terminate(ref: InstanceRef, call: Call): Promise<void>;

  readonly agent?: AgentFacet;
  readonly offers?: OffersFacet;
  readonly suspend?: SuspendFacet;
  readonly ports?: PortsFacet;
  readonly volumes?: VolumesFacet;
  readonly placement?: PlacementFacet;
  readonly group?: GroupFacet;
  readonly gateways?: GatewaysFacet;
  readonly reservations?: ReservationsFacet;
  readonly images?: ImagesFacet;
  readonly bootstrap?: BootstrapFacet;
}

/**
 * Machines whose agent nothing else restarts: no systemd, no container runtime. Starts the agent of a
 * machine that exists, or starts it again after it died; when the agent is running already, does nothing.
 */
export interface AgentFacet {
  start(ref: InstanceRef, agentStart: AgentStart, call: Call): Promise<AgentAddress>;
}

/** What the account may have of the catalog's offers, and what is in stock (C20). */
export interface OffersFacet {
  /** One answer for each offer that it knows better about, by id; of the others the catalog's word stands. */
  availability(offers: readonly Offer[], call: Call): Promise<ReadonlyMap<string, Offer['availability']>>;
}

/** Machines that can be stopped and keep their disk (C21). Each may return before it is done; `list` tells. */
export interface SuspendFacet {
  stop(ref: InstanceRef, call: Call): Promise<void>;
  start(ref: InstanceRef, call: Call): Promise<void>;
}

/** TCP ports, both ends included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Machines that are closed to the world unless told otherwise (C22). */
export interface PortsFacet {
  open(ref: InstanceRef, ports: readonly PortRange[], call: Call): Promise<void>;
  close(ref: InstanceRef, ports: readonly PortRange[], call: Call): Promise<void>;
  /** Those that were opened, merged and in order. */
  list(ref: InstanceRef, call: Call): Promise<readonly PortRange[]>;
}

export interface CloudVolume {
  readonly cloudId: string;
  /** The token it was created with; null: it was registered. */
  readonly token: string | null;
  readonly region: string;
  readonly zone: string | null;
  readonly sizeMiB: number;
  readonly state: 'creating' | 'available' | 'attached' | 'deleting';
  /** The machine's cloud id. */
  readonly attachedTo: string | null;
}

export interface VolumeRequest {
  readonly token: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly region: string;
  readonly zone: string | null;
  readonly sizeMiB: number;
}

/** Disks that outlive machines (C23). */
export interface VolumesFacet {
  create(request: VolumeRequest, call: Call): Promise<CloudVolume>;
  /** One that somebody else made. @throws BackendError `not-found` */
  register(cloudId: string, region: string, call: Call): Promise<CloudVolume>;
  /** Those that carry our owner tag, as C3. */
  list(call: Call): Promise<readonly CloudVolume[]>;
  delete(volume: Pick<CloudVolume, 'cloudId' | 'region' | 'zone'>, call: Call): Promise<void>;
  /** The device on the machine, `/dev/…`, or the path where it is mounted already. */
  attach(
    volume: Pick<CloudVolume, 'cloudId' | 'region'>,
    to: InstanceRef,
    call: Call,
  ): Promise<{ readonly device: string }>;
  /** `force`: also when the machine does not let go. */
  detach(
    volume: Pick<CloudVolume, 'cloudId' | 'region'>,
    from: InstanceRef,
    options: { readonly force: boolean },
    call: Call,
  ): Promise<void>;
}

/** Machines close to each other on the network (C24). */
export interface PlacementFacet {
  create(
    request: {
      readonly token: string;
      readonly name: string;
      readonly tags: CreateRequest['tags'];
      readonly region: string;
    },
    call: Call,
  ): Promise<{ readonly cloudId: string }>;
  list(
    call: Call,
  ): Promise<readonly { readonly cloudId: string; readonly token: string | null; readonly region: string }[]>;
  delete(group: { readonly cloudId: string; readonly region: string }, call: Call): Promise<void>;
}

/** Several machines in one call of the cloud (C25). */
export interface GroupFacet {
  /** How many one call takes at most. */
  readonly max: number;
  /** Of one offer, in the order of the requests. */
  create(requests: readonly CreateRequest[], call: Call): Promise<readonly CloudInstance[]>;
}

export interface GatewayRequest {
  readonly token: string;
  readonly name: string;
  readonly tags: CreateRequest['tags'];
  readonly region: string;
  readonly agentStart: AgentStart;
}

/** A small machine with a public address, for services (C29). */
export interface GatewaysFacet {
  create(request: GatewayRequest, call: Call): Promise<CloudInstance & { readonly publicIp: string | null }>;
  list(call: Call): Promise<readonly (CloudInstance & { readonly publicIp: string | null })[]>;
  terminate(ref: InstanceRef, call: Call): Promise<void>;
}

export interface CloudReservation {
  readonly cloudId: string;
  readonly instanceType: string;
  readonly region: string;
  readonly zone: string | null;
  readonly total: number;
  readonly free: number;
  /** Milliseconds since 1970; null: open. */
  readonly startsAt: number | null;
  readonly endsAt: number | null;
}

/** Capacity that the account has paid for (C27). */
export interface ReservationsFacet {
  list(call: Call): Promise<readonly CloudReservation[]>;
}

/** Which image a machine would get (C28). */
export interface ImagesFacet {
  resolve(
    request: { readonly region: string; readonly cpuArch: CpuArch; readonly accelerators: boolean },
    call: Call,
  ): Promise<{
    readonly cloudId: string;
    readonly user: string;
    readonly hasDocker: boolean;
    readonly hasGpuRuntime: boolean;
  }>;
}

/** Plain data about networks, keys and roles: stored, and handed back with every `create` in that region. */
export type SharedParts = Readonly<Record<string, unknown>>;

/** What many machines of a region share (C26). */
export interface BootstrapFacet {
  /**
   * `remove`: taken away when the last machine of the region is gone, as a task of its own that nobody
   * waits for. `keep`: left on purpose, because it costs nothing or is the user's.
   */
  readonly whenUnused: 'remove' | 'keep';
  ensure(region: string, call: Call): Promise<SharedParts>;
  remove(region: string, shared: SharedParts, call: Call): Promise<void>;
}

/** Facets derive from what a compute has (C8). */
export const FACETS = [
  'agent',
  'offers',
  'suspend',
  'ports',
  'volumes',
  'placement',
  'group',
  'gateways',
  'reservations',
  'images',
  'bootstrap',
] as const satisfies readonly (keyof Compute)[];
export type Facet = (typeof FACETS)[number];

export function facetsOf(compute: Compute): readonly Facet[] {
  return FACETS.filter((facet) => compute[facet] !== undefined);
}

/** Machines that nobody sells: this one, one's own hosts. The backend says itself what they are and what is free. */
export interface OwnedMachines<Config, Credentials> {
  readonly kind: 'owned';
  readonly cacheForMs: number;
  /** All offers that may fit; narrowing by `requirements` is allowed, not asked for. */
  query(
    context: BackendContext<Config, Credentials>,
    requirements: Requirements | null,
    call: Call,
  ): Promise<readonly Offer[]>;
}

/** What collecting a cloud's offers takes, whenever it is done. */
interface Collected<Credentials, Config> {
  /** `none`: everybody may read the list. `optional`: it says more to those who have an account. */
  readonly credentials: 'none' | 'optional' | 'required';
  readonly collect: Collect<Credentials, Config>;
  /** What must be true of the offers, besides what must be true of all. */
  readonly rules: readonly IntegrityRule[];
}

/** A price list that is collected on a schedule and published as a file. */
export interface OfflineCatalog<Credentials, Config> extends Collected<Credentials, Config> {
  readonly kind: 'offline';
}

/**
 * Offers that change by the minute: asked for when needed, kept for `cacheForMs`. Each configured backend asks
 * with its own account and config; a price list without `compute` (C13) is asked once for all.
 */
export interface OnlineCatalog<Credentials, Config> extends Collected<Credentials, Config> {
  readonly kind: 'online';
  readonly cacheForMs: number;
}

export type CatalogSource<Config, Credentials> =
  | OwnedMachines<Config, Credentials>
  | OfflineCatalog<Credentials, Config>
  | OnlineCatalog<Credentials, Config>;

/** `never` where a query does not look at its context: then the other members say what the types are. */
export function owned<Config = never, Credentials = never>(
  source: Omit<OwnedMachines<Config, Credentials>, 'kind'>,
): OwnedMachines<Config, Credentials> {
  return { kind: 'owned', ...source };
}

export function offline<Credentials = never, Config = unknown>(
  source: Omit<OfflineCatalog<Credentials, Config>, 'kind'>,
): OfflineCatalog<Credentials, Config> {
  return { kind: 'offline', ...source };
}

export function online<Credentials = never, Config = unknown>(
  source: Omit<OnlineCatalog<Credentials, Config>, 'kind'>,
): OnlineCatalog<Credentials, Config> {
  return { kind: 'online', ...source };
}

export interface Configured<Config> {
  /** The config with everything resolved that must be stored. */
  readonly config: Config;
  /** Shown by `berth backend list`. */
  readonly account: string;
  /**
   * What no two accounts share, and every key of one account does; `account` where it is left out. While machines
   * are held, credentials of another account are refused: its lists know nothing of them.
   */
  readonly accountId?: string;
  /**
   * What the account has to choose from, by the config's field: regions, networks. Offered by
   * `berth backend add` for fields that are not given; nothing else depends on it.
   */
  readonly choices?: Readonly<Record<string, readonly Choice[]>>;
}

export interface Choice {
  readonly value: string;
  /** For a person; the value itself when absent. */
  readonly title?: string;
}

interface DefinitionBase<Config, Credentials> {
  /** Lower-case, `[a-z][a-z0-9-]*`; the word users write in `backends:`. */
  readonly type: string;
  readonly title: string;
  readonly kind: BackendKind;
  /** Kinds of credentials by name; the kind `default` means ambient ones and needs no input. */
  readonly credentials: Readonly<Record<string, ZodType<Credentials>>>;
  readonly config: ZodType<Config>;
  readonly catalog: CatalogSource<Config, Credentials>;
}

/** A cloud that machines are created on. */
export interface ComputeDefinition<Config, Credentials> extends DefinitionBase<Config, Credentials> {
  readonly limits: BackendLimits;
  /** How the agent gets onto its machines: `process`, `user-data` or `ssh` for a VM, `entrypoint` for a container. */
  readonly agentStart: AgentStartKind;
  /** Checks credentials with one cheap call and resolves what must be stored. */
  configure(context: BackendContext<Config, Credentials>, call: Call): Promise<Configured<Config>>;
  compute(context: BackendContext<Config, Credentials>): Compute;
}

/** A cloud of which only the price list is known (C13). */
export interface PriceListDefinition<Config, Credentials> extends DefinitionBase<Config, Credentials> {
  readonly limits?: undefined;
  readonly agentStart?: undefined;
  readonly configure?: undefined;
  readonly compute?: undefined;
}

export type BackendDefinition<Config, Credentials> =
  | ComputeDefinition<Config, Credentials>
  | PriceListDefinition<Config, Credentials>;

/** Config and credentials are parsed by the definition's own schemas, so outside they are unknown. */
export type AnyBackendDefinition = BackendDefinition<unknown, unknown>;

/** What a backend's type may look like. */
export const BACKEND_TYPE = /^[a-z][a-z0-9-]{0,30}$/;

/** Each kind of credentials has its own shape; `context.credentials` is one of them. */
interface KindsOf<Kinds extends Readonly<Record<string, unknown>>> {
  readonly credentials: { readonly [Kind in keyof Kinds]: ZodType<Kinds[Kind]> };
}

/** Checks the parts that types cannot, and freezes. The default export of every backend. */
export function defineBackend<Config, Kinds extends Readonly<Record<string, unknown>>>(
  definition: ComputeDefinition<Config, Kinds[keyof Kinds]> & KindsOf<Kinds>,
): ComputeDefinition<unknown, unknown>;
export function defineBackend<Config, Kinds extends Readonly<Record<string, unknown>>>(
  definition: PriceListDefinition<Config, Kinds[keyof Kinds]> & KindsOf<Kinds>,
): PriceListDefinition<unknown, unknown>;
export function defineBackend(definition: { readonly type: string }): AnyBackendDefinition {
  if (!BACKEND_TYPE.test(definition.type)) {
    throw new TypeError(`Backend type "${definition.type}" must match [a-z][a-z0-9-]* and have at most 31 characters.`);
  }
  // The schemas guard the entry: nothing reaches `configure`, `collect` or `compute` unparsed.
  return Object.freeze(definition) as unknown as AnyBackendDefinition;
}

export type { AcceleratorCount, Collect, IntegrityRule, Offer, Requirements };
