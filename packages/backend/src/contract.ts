/**
 * The contract for adding a cloud, version 1. A backend is one folder (or npm package) whose
 * package.json says `"berth": { "backend": "./src/index.ts" }` and whose module has one default
 * export: the result of `defineBackend`. Nothing else in Berth names it.
 *
 * Rules, by number; code comments and error messages refer to them.
 *   C1  `create` returns as soon as the cloud's id is known. The address may follow through `list`.
 *   C2  `create` with a token that was used before gives the same machine, also when the first
 *       answer was lost. Name and tags are derived from the token.
 *   C3  `list` returns all machines that carry our owner tag, terminating ones included, and no others.
 *   C4  `terminate` of what is gone, or going, is success. It may return before the machine is gone.
 *   C5  Every call honours `call.signal`; it never outlives it.
 *   C6  Errors are `BackendError`s with a code and a scope. Anything else thrown counts as `unknown`,
 *       which means: the outcome is not known, look with `list`.
 *   C7  No secret appears in an error, a log line, a tag, `providerData` or `cloudId`.
 *   C8  What a backend can do is what its compute has: an optional member that is present works.
 *   C9  The module's default export is what `defineBackend` returned; importing it does nothing else.
 *   C10 The definition has every required member, each of its type.
 *   C11 Config and every kind of credentials have a zod schema; keys that a schema does not know are refused.
 *   C12 One backend has a `type`: of two packages with the same one, the first found is used.
 *   C13 A backend without `compute` is a price list: its offers are shown, and nothing is created there.
 */

import type { Collect } from '@berth/catalog/catalog-source';
import type { IntegrityRule } from '@berth/catalog/integrity-rule';
import type {
  AcceleratorCount,
  Clock,
  InstanceId,
  InstanceResources,
  Offer,
  RandomBytes,
  Requirements,
} from '@berth/core';
import type { ZodType } from 'zod';

/** What a backend gives us: a machine of our own, or only a container. */
export type BackendKind = 'vm' | 'container';

export interface BackendLimits {
  /** Longest name of a machine that the cloud takes, in characters. */
  readonly nameLength: number;
  /** False: machines are recognised by name alone. */
  readonly tags: boolean;
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
  /** Identifies this installation of Berth; part of every owner tag (C3). */
  readonly installation: string;
  readonly config: Config;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  /** A directory of this backend's own on the server's disk, mode 0700, for what it must remember. */
  readonly stateDir: string;
}

/** How a machine comes to run the agent. Made by Berth, never by the backend. */
export type Bootstrap =
  /** Start this process on this machine, detached, and keep it out of our process group. */
  {
    readonly kind: 'process';
    readonly argv: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    /** The agent listens here once it is up. */
    readonly socketPath: string;
    /** The agent's directory: journal, jobs, log. Removed with the instance. */
    readonly dir: string;
  };

export interface CreateRequest {
  readonly instance: InstanceId;
  /** C2. Unique per machine, letters and digits, at most 32 characters. */
  readonly token: string;
  /** Derived from the token and within `limits.nameLength`. */
  readonly name: string;
  /** Owner tags (C3) and the user's own, already merged and within the cloud's rules for length. */
  readonly tags: Readonly<Record<string, string>>;
  readonly offer: Offer;
  readonly bootstrap: Bootstrap;
}

/** How the server's link reaches the agent. */
export type AgentAddress = { readonly kind: 'unix'; readonly path: string };

export type CloudInstanceState =
  | 'starting'
  | 'running'
  | 'stopping'
  | 'stopped'
  /** On its way out, still billed or still listed. */
  | 'terminating'
  | 'terminated';

/** A machine as the cloud tells of it. */
export interface CloudInstance {
  /** The cloud's own id. */
  readonly cloudId: string;
  /** The token it was created with, read back from its tags or name; null: not ours to settle by token. */
  readonly token: string | null;
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

  /**
   * Facet `agent`: machines whose agent nothing else restarts (no systemd, no container runtime).
   * Starts the agent of a machine that exists, or starts it again after it died; when the agent is
   * running already, does nothing.
   */
  readonly agent?: { start(ref: InstanceRef, bootstrap: Bootstrap, call: Call): Promise<AgentAddress> };
}

/** Facets derive from what a compute has (C8). */
export const FACETS = ['agent'] as const;
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
interface Collected<Credentials> {
  /** `none`: everybody may read the list. `optional`: it says more to those who have an account. */
  readonly credentials: 'none' | 'optional' | 'required';
  readonly collect: Collect<Credentials>;
  /** What must be true of the offers, besides what must be true of all. */
  readonly rules: readonly IntegrityRule[];
}

/** A price list that is collected on a schedule and published as a file. */
export interface OfflineCatalog<Credentials> extends Collected<Credentials> {
  readonly kind: 'offline';
}

/** Offers that change by the minute: asked for when needed, kept for `cacheForMs`. */
export interface OnlineCatalog<Credentials> extends Collected<Credentials> {
  readonly kind: 'online';
  readonly cacheForMs: number;
}

export type CatalogSource<Config, Credentials> =
  | OwnedMachines<Config, Credentials>
  | OfflineCatalog<Credentials>
  | OnlineCatalog<Credentials>;

/** `never` where a query does not look at its context: then the other members say what the types are. */
export function owned<Config = never, Credentials = never>(
  source: Omit<OwnedMachines<Config, Credentials>, 'kind'>,
): OwnedMachines<Config, Credentials> {
  return { kind: 'owned', ...source };
}

export function offline<Credentials = never>(
  source: Omit<OfflineCatalog<Credentials>, 'kind'>,
): OfflineCatalog<Credentials> {
  return { kind: 'offline', ...source };
}

export function online<Credentials = never>(
  source: Omit<OnlineCatalog<Credentials>, 'kind'>,
): OnlineCatalog<Credentials> {
  return { kind: 'online', ...source };
}

export interface Configured<Config> {
  /** The config with everything resolved that must be stored. */
  readonly config: Config;
  /** Shown by `berth backend list`. */
  readonly account: string;
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
  /** Checks credentials with one cheap call and resolves what must be stored. */
  configure(context: BackendContext<Config, Credentials>, call: Call): Promise<Configured<Config>>;
  compute(context: BackendContext<Config, Credentials>): Compute;
}

/** A cloud of which only the price list is known (C13). */
export interface PriceListDefinition<Config, Credentials> extends DefinitionBase<Config, Credentials> {
  readonly limits?: undefined;
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
