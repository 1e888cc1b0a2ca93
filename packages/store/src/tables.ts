/**
 * The tables as data, for every database alike: columns, indexes, and what may be asked for. Checked
 * against `rows.ts`: a column that is missing, superfluous or of the wrong kind does not compile.
 * Names are those of the rows here and become snake_case in SQL.
 *
 * There are no foreign keys: things that end keep their rows, and events outlive what they tell of.
 */
import type { Rows, TableName } from './rows.ts';

export type ColumnKind = 'text' | 'integer' | 'real' | 'boolean' | 'json';
/** A question mark: may be null. */
export type ColumnType = ColumnKind | `${ColumnKind}?`;

type KindOf<V> = [V] extends [string]
  ? 'text'
  : [V] extends [number]
    ? 'integer' | 'real'
    : [V] extends [boolean]
      ? 'boolean'
      : 'json';
type TypeOf<V> = null extends V ? `${KindOf<Exclude<V, null>>}?` : KindOf<V>;

export interface IndexSpec<Row> {
  readonly on: readonly (keyof Row & string)[];
  readonly unique?: true;
  /** Only rows with these values are in the index. */
  readonly where?: { readonly [K in keyof Row]?: Row[K] };
}

export interface TableSpec<Row> {
  readonly columns: { readonly [K in keyof Row & string]: TypeOf<Row[K]> };
  /** Columns that may stand in `where` and `orderBy` besides `id` and those of the indexes. */
  readonly alsoQueried?: readonly (keyof Row & string)[];
  /** By name; the name is what `UniqueViolation` tells, and is unique in the whole database. */
  readonly indexes: Readonly<Record<string, IndexSpec<Row>>>;
}

export const TABLES = {
  users: {
    columns: {
      id: 'text',
      name: 'text',
      email: 'text?',
      globalRole: 'text',
      active: 'boolean',
      createdAt: 'integer',
      version: 'integer',
    },
    alsoQueried: ['email', 'globalRole', 'active', 'createdAt'],
    indexes: { users_name: { on: ['name'], unique: true } },
  },
  tokens: {
    columns: {
      id: 'text',
      userId: 'text',
      name: 'text',
      hash: 'text',
      prefix: 'text',
      scope: 'text',
      projectId: 'text?',
      createdAt: 'integer',
      expiresAt: 'integer?',
      lastUsedAt: 'integer?',
      revokedAt: 'integer?',
      version: 'integer',
    },
    alsoQueried: ['name', 'prefix', 'scope', 'projectId', 'createdAt', 'expiresAt', 'lastUsedAt', 'revokedAt'],
    indexes: {
      tokens_hash: { on: ['hash'], unique: true },
      tokens_user: { on: ['userId'] },
    },
  },
  projects: {
    columns: {
      id: 'text',
      name: 'text',
      ownerId: 'text',
      createdAt: 'integer',
      deletedAt: 'integer?',
      version: 'integer',
    },
    alsoQueried: ['ownerId', 'createdAt', 'deletedAt'],
    indexes: { projects_name: { on: ['name'], unique: true, where: { deletedAt: null } } },
  },
  members: {
    columns: { id: 'text', projectId: 'text', userId: 'text', role: 'text', version: 'integer' },
    alsoQueried: ['role'],
    indexes: {
      members_place: { on: ['projectId', 'userId'], unique: true },
      members_user: { on: ['userId'] },
    },
  },
  secrets: {
    columns: {
      id: 'text',
      projectId: 'text',
      name: 'text',
      ciphertext: 'text',
      createdAt: 'integer',
      updatedAt: 'integer',
      version: 'integer',
    },
    alsoQueried: ['createdAt', 'updatedAt'],
    indexes: { secrets_name: { on: ['projectId', 'name'], unique: true } },
  },
  backends: {
    columns: {
      id: 'text',
      projectId: 'text',
      name: 'text',
      type: 'text',
      config: 'json',
      credentialKind: 'text',
      credentials: 'text?',
      source: 'text',
      createdAt: 'integer',
      deletedAt: 'integer?',
      version: 'integer',
    },
    alsoQueried: ['type', 'source', 'createdAt', 'deletedAt'],
    indexes: { backends_name: { on: ['projectId', 'name'], unique: true, where: { deletedAt: null } } },
  },
  runs: {
    columns: {
      id: 'text',
      projectId: 'text',
      userId: 'text',
      name: 'text',
      live: 'boolean',
      status: 'text',
      endReason: 'text?',
      message: 'text?',
      spec: 'json',
      stopRequested: 'text?',
      submission: 'integer',
      submittedAt: 'integer',
      retryWindowAt: 'integer',
      nextAttemptAt: 'integer?',
      startedAt: 'integer?',
      finishedAt: 'integer?',
      version: 'integer',
    },
    alsoQueried: ['userId', 'live', 'status', 'endReason', 'nextAttemptAt', 'startedAt', 'finishedAt'],
    indexes: {
      // For the start of a server: all that live, of all projects. (By id, since that is how they are ordered.)
      runs_live: { on: ['id'], where: { live: true } },
      runs_live_name: { on: ['projectId', 'name'], unique: true, where: { live: true } },
      // The live ones of a project, newest first: few among very many. (`live` is in it as well, or a database
      // takes it for no better than the whole history.)
      runs_live_submitted: { on: ['projectId', 'live', 'submittedAt', 'id'], where: { live: true } },
      // The newest run of a name, and the history of a project, page by page.
      runs_name: { on: ['projectId', 'name', 'submittedAt', 'id'] },
      runs_submitted: { on: ['projectId', 'submittedAt', 'id'] },
    },
  },
  jobs: {
    columns: {
      id: 'text',
      runId: 'text',
      projectId: 'text',
      replica: 'integer',
      node: 'integer',
      submission: 'integer',
      status: 'text',
      endReason: 'text?',
      message: 'text?',
      exitStatus: 'integer?',
      signal: 'text?',
      agentState: 'text?',
      progress: 'text?',
      instanceId: 'text?',
      pricePerHour: 'real?',
      heldFrom: 'integer?',
      heldUntil: 'integer?',
      stopRequested: 'text?',
      stopReason: 'text?',
      stopBy: 'integer?',
      submittedAt: 'integer',
      startOrderedAt: 'integer?',
      startedAt: 'integer?',
      finishedAt: 'integer?',
      avoidOffers: 'json',
      artifacts: 'json?',
      logBytes: 'integer?',
      cleanedAt: 'integer?',
      version: 'integer',
    },
    alsoQueried: [
      'endReason',
      'agentState',
      'heldFrom',
      'heldUntil',
      'stopRequested',
      'startedAt',
      'finishedAt',
      'cleanedAt',
    ],
    indexes: {
      jobs_place: { on: ['runId', 'replica', 'node', 'submission'], unique: true },
      jobs_project: { on: ['projectId', 'submittedAt', 'id'] },
      // Finished jobs are many and the unfinished few, here and on each instance.
      jobs_status: { on: ['status'] },
      jobs_instance: { on: ['instanceId', 'status'] },
      jobs_uncleaned: { on: ['instanceId'], where: { cleanedAt: null } },
    },
  },
  instances: {
    columns: {
      id: 'text',
      projectId: 'text',
      fleetId: 'text?',
      name: 'text',
      status: 'text',
      endReason: 'text?',
      message: 'text?',
      backend: 'text',
      region: 'text',
      zone: 'text?',
      instanceType: 'text',
      capacityType: 'text',
      pricePerHour: 'real',
      resources: 'json',
      offer: 'json',
      token: 'text',
      cloudId: 'text?',
      address: 'json?',
      internalIp: 'text?',
      gpuDevices: 'json',
      agentSecret: 'text',
      totalBlocks: 'integer',
      busyBlocks: 'integer',
      idleDurationMs: 'integer?',
      hedgeOf: 'text?',
      createdAt: 'integer',
      readyAt: 'integer?',
      idleSince: 'integer?',
      unreachableSince: 'integer?',
      terminationRequestedAt: 'integer?',
      terminatedAt: 'integer?',
      agentEventSeq: 'integer',
      agentBootId: 'text?',
      version: 'integer',
    },
    alsoQueried: [
      'endReason',
      'backend',
      'region',
      'zone',
      'instanceType',
      'capacityType',
      'pricePerHour',
      'cloudId',
      'busyBlocks',
      'readyAt',
      'idleSince',
      'unreachableSince',
      'terminationRequestedAt',
      'terminatedAt',
    ],
    indexes: {
      instances_token: { on: ['token'], unique: true },
      // Placing asks for those that have room: few, among very many that have none.
      instances_status: { on: ['status', 'projectId', 'totalBlocks', 'busyBlocks'] },
      instances_project: { on: ['projectId', 'createdAt', 'id'] },
      instances_name: { on: ['projectId', 'name'] },
      instances_fleet: { on: ['fleetId', 'status'] },
      instances_hedge: { on: ['hedgeOf'] },
      instances_backend: { on: ['projectId', 'backend', 'status'] },
    },
  },
  fleets: {
    columns: {
      id: 'text',
      projectId: 'text',
      userId: 'text',
      name: 'text',
      live: 'boolean',
      status: 'text',
      message: 'text?',
      spec: 'json',
      attempts: 'integer',
      nextAttemptAt: 'integer?',
      filledAt: 'integer?',
      createdAt: 'integer',
      finishedAt: 'integer?',
      version: 'integer',
    },
    alsoQueried: ['userId', 'live', 'status', 'nextAttemptAt', 'createdAt', 'finishedAt'],
    indexes: {
      fleets_live: { on: ['id'], where: { live: true } },
      fleets_live_name: { on: ['projectId', 'name'], unique: true, where: { live: true } },
      fleets_name: { on: ['projectId', 'name', 'createdAt', 'id'] },
    },
  },
  intents: {
    columns: {
      id: 'text',
      projectId: 'text',
      kind: 'text',
      instanceId: 'text',
      backend: 'text',
      status: 'text',
      uncertain: 'boolean',
      attempts: 'integer',
      looks: 'integer',
      nextAttemptAt: 'integer',
      lastError: 'json?',
      createdAt: 'integer',
      settledAt: 'integer?',
      version: 'integer',
    },
    alsoQueried: ['projectId', 'backend', 'status', 'uncertain', 'attempts', 'createdAt', 'settledAt'],
    indexes: {
      intents_open: { on: ['instanceId', 'kind'], unique: true, where: { status: 'open' } },
      intents_due: { on: ['nextAttemptAt', 'id'], where: { status: 'open' } },
      intents_instance: { on: ['instanceId', 'id'] },
    },
  },
  events: {
    columns: {
      id: 'text',
      projectId: 'text?',
      at: 'integer',
      actor: 'text?',
      kind: 'text',
      message: 'text',
      targetKind: 'text',
      targetId: 'text',
      targetName: 'text',
      runId: 'text?',
      details: 'json',
    },
    alsoQueried: ['actor', 'kind', 'targetKind', 'targetName'],
    indexes: {
      events_project: { on: ['projectId', 'id'] },
      events_run: { on: ['runId', 'id'] },
      events_target: { on: ['targetId', 'id'] },
      events_at: { on: ['at', 'id'] },
    },
  },
  blobs: {
    columns: {
      id: 'text',
      hash: 'text',
      bytes: 'integer',
      projectId: 'text',
      createdAt: 'integer',
      usedAt: 'integer',
      version: 'integer',
    },
    alsoQueried: ['bytes', 'createdAt'],
    indexes: {
      blobs_place: { on: ['projectId', 'hash'], unique: true },
      // Whether any project still has it, before its bytes are removed.
      blobs_hash: { on: ['hash'] },
      blobs_used: { on: ['usedAt', 'id'] },
    },
  },
  orphans: {
    columns: {
      id: 'text',
      projectId: 'text',
      backend: 'text',
      cloudId: 'text',
      token: 'text?',
      name: 'text?',
      region: 'text',
      zone: 'text?',
      instanceId: 'text?',
      status: 'text',
      firstSeenAt: 'integer',
      lastSeenAt: 'integer',
      attempts: 'integer',
      nextAttemptAt: 'integer?',
      lastError: 'json?',
      goneAt: 'integer?',
      version: 'integer',
    },
    alsoQueried: ['token', 'instanceId', 'firstSeenAt', 'lastSeenAt', 'goneAt'],
    indexes: {
      orphans_machine: { on: ['projectId', 'backend', 'cloudId'], unique: true },
      orphans_status: { on: ['status', 'projectId'] },
    },
  },
  failures: {
    columns: {
      id: 'text',
      projectId: 'text',
      backend: 'text',
      code: 'text',
      scope: 'text',
      region: 'text?',
      zone: 'text?',
      instanceType: 'text?',
      capacityType: 'text?',
      message: 'text',
      count: 'integer',
      at: 'integer',
      until: 'integer',
      version: 'integer',
    },
    alsoQueried: ['code', 'at'],
    indexes: {
      failures_project: { on: ['projectId', 'backend', 'until'] },
      failures_until: { on: ['until', 'id'] },
    },
  },
  bootstraps: {
    columns: {
      id: 'text',
      projectId: 'text',
      backend: 'text',
      region: 'text',
      status: 'text',
      data: 'json',
      attempts: 'integer',
      nextAttemptAt: 'integer?',
      lastError: 'json?',
      createdAt: 'integer',
      version: 'integer',
    },
    alsoQueried: ['status'],
    indexes: { bootstraps_place: { on: ['projectId', 'backend', 'region'], unique: true } },
  },
  servers: {
    columns: {
      id: 'text',
      host: 'text',
      pid: 'integer',
      url: 'text?',
      startedAt: 'integer',
      seenAt: 'integer',
      version: 'integer',
    },
    alsoQueried: ['seenAt'],
    indexes: {},
  },
  leases: {
    columns: { id: 'text', owner: 'text?', token: 'integer', version: 'integer' },
    indexes: { leases_owner: { on: ['owner'] } },
  },
} as const satisfies { readonly [K in TableName]: TableSpec<Rows[K]> };

// Object.keys forgets the literal type of the keys.
export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];
