/** The objects of the HTTP API: what answers are made of, and what applying takes. */
import { z } from 'zod';
import { AVAILABILITIES, CAPACITY_TYPES, CPU_ARCHS } from './offer.ts';
import {
  FLEET_STATUSES,
  INSTANCE_END_REASONS,
  INSTANCE_STATUSES,
  JOB_END_REASONS,
  JOB_STATUSES,
  RUN_END_REASONS,
  RUN_STATUSES,
} from './states.ts';

export const millis = z.int().describe('Milliseconds since the Unix epoch');
export const dollars = z.number().nonnegative().describe('US dollars');
const dollarsPerHour = z.number().nonnegative().describe('US dollars per hour');
/** A parsed configuration; the server checks it again with core's own schemas. */
export const configuration = z.record(z.string(), z.unknown());

export const UserView = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  global_role: z.enum(['admin', 'user']),
  active: z.boolean(),
  created_at: millis,
});

export const TokenView = z.object({
  id: z.string(),
  name: z.string(),
  prefix: z.string(),
  scope: z.enum(['read', 'write']),
  project: z.string().nullable(),
  created_at: millis,
  expires_at: millis.nullable(),
  last_used_at: millis.nullable(),
});

export const ProjectView = z.object({
  id: z.string(),
  name: z.string(),
  owner: z.string(),
  created_at: millis,
  members: z.array(z.object({ user: z.string(), role: z.enum(['admin', 'manager', 'user']) })),
});

export const AcceleratorView = z.object({
  name: z.string(),
  vendor: z.string(),
  count: z.int(),
  memory_mib: z.int(),
});

export const ResourcesView = z.object({
  cpus: z.number(),
  cpu_arch: z.enum(CPU_ARCHS),
  memory_mib: z.number(),
  disk_mib: z.number(),
  accelerators: z.array(AcceleratorView),
});

export const OfferView = z.object({
  id: z.string(),
  backend: z.string(),
  region: z.string(),
  zone: z.string().nullable(),
  instance_type: z.string(),
  capacity_type: z.enum(CAPACITY_TYPES),
  price_per_hour: dollarsPerHour,
  availability: z.enum(AVAILABILITIES),
  resources: ResourcesView,
});

/** What became of asking one backend for offers: a slow or broken one costs only its own. */
export const SourceView = z.object({
  backend: z.string(),
  status: z.enum(['fresh', 'cached', 'failed', 'timed-out', 'skipped']),
  offers: z.int(),
  message: z.string().nullable(),
});

export const OffersView = z.object({
  offers: z.array(OfferView),
  total: z.int().describe('How many offers fit; `offers` may hold fewer'),
  sources: z.array(SourceView),
  /** Why offers did not fit, most frequent first, when none or few do. */
  misfits: z.array(z.object({ reason: z.string(), count: z.int() })),
});

export const JobView = z.object({
  id: z.string(),
  replica: z.int(),
  node: z.int(),
  submission: z.int().describe('Which attempt of the run this is, counted from 0'),
  status: z.enum(JOB_STATUSES),
  end_reason: z.enum(JOB_END_REASONS).nullable(),
  message: z.string().nullable(),
  progress: z.string().nullable(),
  exit_status: z.int().nullable(),
  signal: z.string().nullable(),
  instance: z
    .object({
      id: z.string(),
      name: z.string(),
      backend: z.string(),
      region: z.string(),
      instance_type: z.string(),
      capacity_type: z.string(),
    })
    .nullable(),
  price_per_hour: dollarsPerHour.nullable(),
  cost: dollars,
  submitted_at: millis,
  started_at: millis.nullable(),
  finished_at: millis.nullable(),
  log_bytes: z.int().nullable(),
  artifacts: z.object({ bytes: z.int(), fetched: z.boolean() }).nullable(),
});

export const RunView = z.object({
  id: z.string(),
  name: z.string(),
  project: z.string(),
  user: z.string(),
  type: z.literal('task'),
  status: z.enum(RUN_STATUSES),
  end_reason: z.enum(RUN_END_REASONS).nullable(),
  message: z.string().nullable(),
  nodes: z.int(),
  price_per_hour: dollarsPerHour.describe('What its instances cost per hour at present'),
  cost: dollars.describe('What its instances have cost while it held them'),
  submitted_at: millis,
  started_at: millis.nullable(),
  finished_at: millis.nullable(),
  next_attempt_at: millis.nullable(),
  exit_status: z.int().nullable().describe("The run's exit status: that of the first job that failed, else 0"),
  configuration,
  /** Optimistic concurrency: send it back as `base` with apply. */
  version: z.int(),
  /** Jobs of the latest submission; `all_jobs=true` gives every one. */
  jobs: z.array(JobView),
});

export const InstanceView = z.object({
  id: z.string(),
  name: z.string(),
  fleet: z.string().nullable(),
  status: z.enum(INSTANCE_STATUSES),
  unreachable: z.boolean(),
  end_reason: z.enum(INSTANCE_END_REASONS).nullable(),
  message: z.string().nullable(),
  stuck: z
    .object({
      what: z.string(),
      why: z.string(),
      since: millis,
      attempts: z.int(),
      next_attempt_at: millis,
    })
    .nullable()
    .describe('It does not get where it should; it is tried for ever'),
  out_of_reach: z.string().nullable().describe('Why its cloud cannot be asked about it at present'),
  backend: z.string(),
  region: z.string(),
  zone: z.string().nullable(),
  instance_type: z.string(),
  capacity_type: z.string(),
  price_per_hour: dollarsPerHour,
  cost: dollars,
  resources: ResourcesView,
  runs: z.array(z.string()).describe('Names of the runs that hold it'),
  created_at: millis,
  idle_since: millis.nullable(),
  terminated_at: millis.nullable(),
});

export const FleetView = z.object({
  id: z.string(),
  name: z.string(),
  status: z.enum(FLEET_STATUSES),
  message: z.string().nullable(),
  nodes: z.object({ min: z.int(), target: z.int(), max: z.int().nullable() }),
  instances: z.array(InstanceView),
  configuration,
  created_at: millis,
  version: z.int(),
});

export const EventView = z.object({
  id: z.string(),
  at: millis,
  actor: z.string().nullable(),
  kind: z.string(),
  message: z.string(),
  target: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
  run: z.string().nullable().describe('Name of the run that it belongs to; its id when that run is gone'),
  details: z.record(z.string(), z.unknown()),
});

export const ChangeView = z.object({ path: z.string(), before: z.unknown(), after: z.unknown() });

/** `update`: in place; `recreate`: the live run must be stopped first; `none`: nothing to do. */
export const PlanAction = z.enum(['create', 'update', 'recreate', 'none']);

const CodeRefSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('git'),
    remote: z.string().max(2000),
    branch: z.string().max(500).nullable(),
    commit: z.string().regex(/^[0-9a-f]{40,64}$/),
    diff: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .nullable(),
    path: z.string().max(4096),
    if_exists: z.enum(['error', 'skip']),
  }),
  z.object({
    kind: z.literal('tar'),
    blob: z.string().regex(/^[0-9a-f]{64}$/),
    bytes: z.int().nonnegative(),
    path: z.string().max(4096),
    if_exists: z.enum(['error', 'skip']),
  }),
]);

const FileRefSchema = z.object({
  blob: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().nonnegative(),
  path: z.string().max(4096),
});

export const RunSubmission = z
  .object({
    /** With `env`, `run.args` and profile already resolved by the caller; secrets stay references. */
    configuration,
    code: CodeRefSchema.nullable(),
    files: z.array(FileRefSchema).max(1000),
  })
  .strict();

export const RunPlanView = z.object({
  name: z.string(),
  action: PlanAction,
  /** The live run of that name, if there is one. */
  current: RunView.nullable(),
  changes: z.array(ChangeView),
  nodes: z.int(),
  offers: OffersView,
  idle_instances: z.array(InstanceView).describe('Ready instances that would be used first'),
  price_per_hour: dollarsPerHour
    .nullable()
    .describe('For all nodes, from the instances or offers that would be taken first'),
  configuration,
});

export const FleetPlanView = z.object({
  name: z.string(),
  action: PlanAction,
  current: FleetView.nullable(),
  changes: z.array(ChangeView),
  offers: OffersView,
  price_per_hour: dollarsPerHour.nullable(),
  configuration,
});

export const LogEvent = z.object({
  replica: z.int(),
  node: z.int(),
  offset: z.int().describe('Byte offset of `data` in the job log'),
  at: millis,
  data: z.string().describe('Base64 of the raw bytes'),
});

export const MetricsPoint = z.object({
  at: millis,
  node: z.int(),
  cpu_percent: z.number().nullable(),
  memory_bytes: z.number(),
  gpus: z.array(
    z.object({ device: z.string(), utilization_percent: z.number().nullable(), memory_bytes: z.number().nullable() }),
  ),
});

export const ErrorView = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    issues: z
      .array(
        z.object({
          path: z.string(),
          message: z.string(),
          line: z.int().optional(),
          column: z.int().optional(),
          hint: z.string().optional(),
        }),
      )
      .optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
});

export type RunView = z.output<typeof RunView>;
export type JobView = z.output<typeof JobView>;
export type InstanceView = z.output<typeof InstanceView>;
export type FleetView = z.output<typeof FleetView>;
export type EventView = z.output<typeof EventView>;
export type OfferView = z.output<typeof OfferView>;
export type OffersView = z.output<typeof OffersView>;
export type SourceView = z.output<typeof SourceView>;
export type RunPlanView = z.output<typeof RunPlanView>;
export type FleetPlanView = z.output<typeof FleetPlanView>;
export type RunSubmission = z.output<typeof RunSubmission>;
export type UserView = z.output<typeof UserView>;
export type TokenView = z.output<typeof TokenView>;
export type ProjectView = z.output<typeof ProjectView>;
export type LogEvent = z.output<typeof LogEvent>;
export type ErrorView = z.output<typeof ErrorView>;
export type ResourcesView = z.output<typeof ResourcesView>;
export type MetricsPoint = z.output<typeof MetricsPoint>;
