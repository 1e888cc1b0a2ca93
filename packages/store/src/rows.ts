/**
 * What is kept, one row type per table. `version` grows by one with every update and is the guard of
 * optimistic concurrency (and, with several servers, of a lease). Times are milliseconds, prices US
 * dollars per hour, sizes MiB unless the name says otherwise.
 */
import type {
  BackendId,
  BlobHash,
  CapacityType,
  EventId,
  FleetId,
  FleetSpec,
  FleetStatus,
  InstanceEndReason,
  InstanceId,
  InstanceResources,
  InstanceStatus,
  IntentId,
  JobEndReason,
  JobId,
  JobStatus,
  Millis,
  Offer,
  OrphanId,
  ProjectId,
  RunEndReason,
  RunId,
  RunSpec,
  RunStatus,
  SecretId,
  ServerId,
  TokenId,
  UserId,
} from '@berth/core';

export interface UserRow {
  readonly id: UserId;
  readonly name: string;
  readonly email: string | null;
  readonly globalRole: 'admin' | 'user';
  readonly active: boolean;
  readonly createdAt: Millis;
  readonly version: number;
}

export interface TokenRow {
  readonly id: TokenId;
  readonly userId: UserId;
  readonly name: string;
  /** SHA-256 of the token, hex. The token itself is shown once and kept nowhere. */
  readonly hash: string;
  /** First characters, so that a person can tell tokens apart. */
  readonly prefix: string;
  /** `write` may do all that its user may; `read` only reads. */
  readonly scope: 'read' | 'write';
  /** Null: every project of the user. */
  readonly projectId: ProjectId | null;
  readonly createdAt: Millis;
  readonly expiresAt: Millis | null;
  readonly lastUsedAt: Millis | null;
  readonly revokedAt: Millis | null;
  readonly version: number;
}

export interface ProjectRow {
  readonly id: ProjectId;
  readonly name: string;
  readonly ownerId: UserId;
  readonly createdAt: Millis;
  readonly deletedAt: Millis | null;
  readonly version: number;
}

export type ProjectRole = 'admin' | 'manager' | 'user';

export interface MemberRow {
  /** `<project>/<user>` */
  readonly id: string;
  readonly projectId: ProjectId;
  readonly userId: UserId;
  readonly role: ProjectRole;
  readonly version: number;
}

export interface SecretRow {
  readonly id: SecretId;
  readonly projectId: ProjectId;
  readonly name: string;
  /** `enc:aesgcm:<key name>:<base64>` */
  readonly ciphertext: string;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  readonly version: number;
}

export interface BackendRow {
  readonly id: BackendId;
  readonly projectId: ProjectId;
  /** Unique in the project; offers carry it. */
  readonly name: string;
  readonly type: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly credentialKind: string;
  /** Null for ambient credentials. */
  readonly credentials: string | null;
  readonly source: 'config.yml' | 'api';
  readonly createdAt: Millis;
  readonly deletedAt: Millis | null;
  readonly version: number;
}

export interface RunRow {
  readonly id: RunId;
  readonly projectId: ProjectId;
  readonly userId: UserId;
  readonly name: string;
  /** True until the run is finished: a live name is unique in its project. */
  readonly live: boolean;
  readonly status: RunStatus;
  readonly endReason: RunEndReason | null;
  readonly message: string | null;
  readonly spec: RunSpec;
  /** Set when somebody asked for the end; `abort`: without grace. */
  readonly stopRequested: 'stop' | 'abort' | null;
  /** Number of the next submission of its jobs, from 0. */
  readonly submission: number;
  readonly submittedAt: Millis;
  /** When the window of `retry.duration` began. */
  readonly retryWindowAt: Millis;
  /** A pending run is submitted again at this time. */
  readonly nextAttemptAt: Millis | null;
  readonly startedAt: Millis | null;
  readonly finishedAt: Millis | null;
  readonly version: number;
}

/** One submission of one node of one replica. A retry makes new rows. */
export interface JobRow {
  readonly id: JobId;
  readonly runId: RunId;
  readonly projectId: ProjectId;
  readonly replica: number;
  readonly node: number;
  readonly submission: number;
  readonly status: JobStatus;
  readonly endReason: JobEndReason | null;
  readonly message: string | null;
  readonly exitStatus: number | null;
  readonly signal: string | null;
  /** What the agent was last heard to do: preparing, ready, running. Null before it was told. */
  readonly agentState: 'preparing' | 'ready' | 'running' | 'ended' | null;
  /** What is being waited for, for people: "pulling image 40 %". */
  readonly progress: string | null;
  readonly instanceId: InstanceId | null;
  readonly pricePerHour: number | null;
  /** The time in which it holds its instance; what it costs is this times the price. */
  readonly heldFrom: Millis | null;
  readonly heldUntil: Millis | null;
  readonly stopRequested: 'stop' | 'abort' | null;
  readonly stopReason: JobEndReason | null;
  /** By then the agent must have ended it, once it was asked to; of a job that has ended: have handed over what it left. */
  readonly stopBy: Millis | null;
  readonly submittedAt: Millis;
  /** When the run ordered it to start: nobody starts before all nodes are ready. Null: not yet. */
  readonly startOrderedAt: Millis | null;
  readonly startedAt: Millis | null;
  readonly finishedAt: Millis | null;
  /** Until when which offers are not tried again by this job: offer id → time. */
  readonly avoidOffers: Readonly<Record<string, Millis>>;
  readonly artifacts: { readonly bytes: number; readonly hash: BlobHash; readonly fetched: boolean } | null;
  /** Bytes of log in all, known at the end. */
  readonly logBytes: number | null;
  /** The agent was told to forget it and has. */
  readonly cleanedAt: Millis | null;
  readonly version: number;
}

export interface InstanceRow {
  readonly id: InstanceId;
  readonly projectId: ProjectId;
  readonly fleetId: FleetId | null;
  readonly name: string;
  readonly status: InstanceStatus;
  readonly endReason: InstanceEndReason | null;
  readonly message: string | null;
  readonly backend: string;
  readonly region: string;
  readonly zone: string | null;
  readonly instanceType: string;
  readonly capacityType: CapacityType;
  /** The price when it was taken; it never changes afterwards. */
  readonly pricePerHour: number;
  readonly resources: InstanceResources;
  readonly offer: Offer;
  /** The contract's creation token (C2), unique. */
  readonly token: string;
  readonly cloudId: string | null;
  /** JSON of the contract's AgentAddress. */
  readonly address: Readonly<Record<string, unknown>> | null;
  readonly internalIp: string | null;
  readonly gpuDevices: readonly string[];
  /** Encrypted secret that server and agent share. */
  readonly agentSecret: string;
  readonly totalBlocks: number;
  readonly busyBlocks: number;
  /** Null: it may stay idle for ever. */
  readonly idleDurationMs: number | null;
  /** The instance that takes too long and beside which this one was made; whichever is ready first stays. */
  readonly hedgeOf: InstanceId | null;
  readonly createdAt: Millis;
  readonly readyAt: Millis | null;
  readonly idleSince: Millis | null;
  /** The link to the agent is down since; null while it is up. */
  readonly unreachableSince: Millis | null;
  readonly terminationRequestedAt: Millis | null;
  readonly terminatedAt: Millis | null;
  /** Highest event of the agent that is stored. */
  readonly agentEventSeq: number;
  readonly agentBootId: string | null;
  readonly version: number;
}

export interface FleetRow {
  readonly id: FleetId;
  readonly projectId: ProjectId;
  readonly userId: UserId;
  readonly name: string;
  readonly live: boolean;
  readonly status: FleetStatus;
  readonly message: string | null;
  readonly spec: FleetSpec;
  /** Failed attempts to reach the wanted size in a row, and when the next one is due. */
  readonly attempts: number;
  readonly nextAttemptAt: Millis | null;
  /** When it had `nodes.target` ready instances for the first time since it was applied. */
  readonly filledAt: Millis | null;
  readonly createdAt: Millis;
  readonly finishedAt: Millis | null;
  readonly version: number;
}

/**
 * A machine that a cloud lists under our owner tag and that no book expects. Kept until the cloud says
 * that it is gone, so that a bill can be explained.
 */
export interface OrphanRow {
  readonly id: OrphanId;
  /** Of the backend in whose list it was seen. */
  readonly projectId: ProjectId;
  readonly backend: string;
  readonly cloudId: string;
  /** The creation token that its tags or name carry; null: they carry none. */
  readonly token: string | null;
  readonly name: string | null;
  readonly region: string;
  readonly zone: string | null;
  /** The row that was written off although the machine lives; null: no book ever had it. */
  readonly instanceId: InstanceId | null;
  /**
   * `watched`: too young to judge. `reported`: not provably ours, so nothing is done. `terminating`: tried
   * for ever. `gone`: the cloud lists it no more, or a book has it after all.
   */
  readonly status: 'watched' | 'reported' | 'terminating' | 'gone';
  readonly firstSeenAt: Millis;
  readonly lastSeenAt: Millis;
  readonly attempts: number;
  readonly nextAttemptAt: Millis | null;
  readonly lastError: { readonly code: string; readonly message: string } | null;
  readonly goneAt: Millis | null;
  readonly version: number;
}

/** What a cloud refused, how far that reaches, and until when it is believed: shared by all runs. */
export interface FailureRow {
  /** Made of what it is about, so that a second one of the same kind renews the first. */
  readonly id: string;
  readonly projectId: ProjectId;
  readonly backend: string;
  readonly code: 'no-capacity' | 'quota' | 'auth' | 'config' | 'not-found';
  readonly scope: 'zone' | 'region' | 'type' | 'account' | 'cloud';
  /** Null where the scope is wider than that. */
  readonly region: string | null;
  readonly zone: string | null;
  readonly instanceType: string | null;
  readonly capacityType: CapacityType | null;
  readonly message: string;
  /** How often in a row. */
  readonly count: number;
  readonly at: Millis;
  readonly until: Millis;
  readonly version: number;
}

/** What many machines of one place share (facet `bootstrap`): networks, keys, roles. */
export interface BootstrapRow {
  /** `<project>/<backend>/<region>` */
  readonly id: string;
  readonly projectId: ProjectId;
  readonly backend: string;
  readonly region: string;
  /** `wanted`: may have been made, the answer is not known. */
  readonly status: 'wanted' | 'ready' | 'removing';
  /** What the backend said of it, handed back to it with every `create`. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly attempts: number;
  readonly nextAttemptAt: Millis | null;
  readonly lastError: { readonly code: string; readonly message: string } | null;
  readonly createdAt: Millis;
  readonly version: number;
}

/** A server on this database. Its version grows with every sign of life. */
export interface ServerRow {
  readonly id: ServerId;
  readonly host: string;
  readonly pid: number;
  readonly url: string | null;
  readonly startedAt: Millis;
  readonly seenAt: Millis;
  readonly version: number;
}

/** Who may work on a lane. Whoever writes for it names the fencing token, and is refused when it has changed. */
export interface LeaseRow {
  /** `lane-07` */
  readonly id: string;
  readonly owner: ServerId | null;
  /** Grows with every change of owner. */
  readonly token: number;
  readonly version: number;
}

/** The durable record of an outside action: written before it is taken, settled by its outcome. */
export interface IntentRow {
  readonly id: IntentId;
  readonly projectId: ProjectId;
  readonly kind: 'instance.create' | 'instance.terminate';
  readonly instanceId: InstanceId;
  readonly backend: string;
  readonly status: 'open' | 'done' | 'failed';
  /** An attempt was begun and its outcome is not known: look before acting. */
  readonly uncertain: boolean;
  readonly attempts: number;
  /** How often in a row it was looked for in the cloud in vain, while it is not wanted any more. */
  readonly looks: number;
  readonly nextAttemptAt: Millis;
  readonly lastError: { readonly code: string; readonly message: string } | null;
  readonly createdAt: Millis;
  readonly settledAt: Millis | null;
  readonly version: number;
}

export type EventTargetKind =
  | 'project'
  | 'run'
  | 'job'
  | 'instance'
  | 'fleet'
  | 'user'
  | 'secret'
  | 'backend'
  | 'token'
  | 'orphan'
  | 'server';

export interface EventRow {
  readonly id: EventId;
  readonly projectId: ProjectId | null;
  readonly at: Millis;
  /** A user's id, or null for the system itself. */
  readonly actor: UserId | null;
  /** For programs, dotted: `job.ended`, `instance.created`. */
  readonly kind: string;
  readonly message: string;
  readonly targetKind: EventTargetKind;
  readonly targetId: string;
  readonly targetName: string;
  /** The run concerned, so that a run's events are one query. */
  readonly runId: RunId | null;
  readonly details: Readonly<Record<string, unknown>>;
}

/** One project's copy: a hash that another project has uploaded must not be assumed to be here. */
export interface BlobRow {
  /** `<project>/<hash>` */
  readonly id: string;
  readonly hash: BlobHash;
  readonly bytes: number;
  readonly projectId: ProjectId;
  readonly createdAt: Millis;
  readonly usedAt: Millis;
  readonly version: number;
}

export interface Rows {
  users: UserRow;
  tokens: TokenRow;
  projects: ProjectRow;
  members: MemberRow;
  secrets: SecretRow;
  backends: BackendRow;
  runs: RunRow;
  jobs: JobRow;
  instances: InstanceRow;
  fleets: FleetRow;
  intents: IntentRow;
  events: EventRow;
  blobs: BlobRow;
  orphans: OrphanRow;
  failures: FailureRow;
  bootstraps: BootstrapRow;
  servers: ServerRow;
  leases: LeaseRow;
}
export type TableName = keyof Rows;
