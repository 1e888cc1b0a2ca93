/**
 * Operations of the HTTP API under the names of `api-routes.ts`: who may, what they take and what they
 * answer. The server parses with them and makes its OpenAPI document of them; the client uses their types.
 */
import { z } from 'zod';
import { backendOperations } from './api-backends.ts';
import { catalogOperations } from './api-catalog.ts';
import { upkeepOperations } from './api-upkeep.ts';
import {
  configuration,
  EventView,
  FleetPlanView,
  FleetView,
  InstanceView,
  LogEvent,
  MetricsPoint,
  millis,
  OffersView,
  ProjectView,
  RunPlanView,
  RunSubmission,
  RunView,
  TokenView,
  UserView,
} from './api-views.ts';
import { textOf } from './grammar.ts';
import { ACCOUNT_NAME_PATTERN, NAME_PATTERN, parseAccountName, parseName } from './name.ts';

export * from './api-backends.ts';
export * from './api-catalog.ts';
export * from './api-upkeep.ts';
export * from './api-views.ts';

const page = { limit: z.coerce.number().int().min(1).max(1000).optional(), after: z.string().max(100).optional() };
const flag = z.enum(['true', 'false']).optional();
const none = z.object({}).strict();
const base = z.object({ id: z.string().max(100), version: z.int() });
const accountName = textOf(parseAccountName, ACCOUNT_NAME_PATTERN);
/** Whether anybody gets mail there is not ours to know; that it can be shown is. */
const email = z
  .string()
  .max(200)
  .refine((text) => /^[^\s\p{C}]+$/u.test(text), 'an e-mail address has no blanks and no control characters');

const DAY_MS = 24 * 60 * 60_000;
/** Ten years: what is meant to live longer is meant to live for ever. */
const MAX_TOKEN_LIFE_DAYS = 3650;

const logQuery = z
  .object({
    replica: z.coerce.number().int().min(0).optional(),
    node: z.coerce.number().int().min(0).optional(),
    submission: z.coerce
      .number()
      .int()
      .min(0)
      .optional()
      .describe('Which attempt, counted from 0; the latest when left out'),
    /** First byte wanted. `Last-Event-ID` means the same. */
    offset: z.coerce.number().int().min(0).optional(),
    since: z.coerce.number().int().optional(),
    follow: flag,
  })
  .strict();

interface Operation {
  readonly summary: string;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly response: z.ZodType;
  /** Who may: anybody, any user, a member of the project, its manager, its admin, or a global admin. */
  readonly access: 'public' | 'user' | 'member' | 'manager' | 'admin' | 'global-admin';
  /** A stream of server-sent events, or raw bytes, instead of JSON. */
  readonly stream?: 'sse' | 'bytes';
}

export const API = {
  'server.info': {
    summary: 'Version of the server and of its API',
    response: z.object({
      version: z.string(),
      api: z.int(),
      installation: z.string(),
      pid: z.int(),
      started_at: millis,
    }),
    access: 'public',
  },
  'server.openapi': { summary: 'This API as an OpenAPI 3.1 document', response: z.unknown(), access: 'public' },

  'user.me': { summary: 'The user of this token', response: UserView, access: 'user' },
  'user.list': { summary: 'All users', response: z.array(UserView), access: 'global-admin' },
  'user.create': {
    summary: 'Make a user and a first token, which is shown only now',
    body: z
      .object({
        name: accountName,
        email: email.nullable().optional(),
        global_role: z.enum(['admin', 'user']).optional(),
      })
      .strict(),
    response: z.object({ user: UserView, token: z.string() }),
    access: 'global-admin',
  },
  'user.update': {
    summary: 'Change role, e-mail address or whether the user is active',
    body: z
      .object({
        email: email.nullable().optional(),
        global_role: z.enum(['admin', 'user']).optional(),
        active: z.boolean().optional(),
      })
      .strict(),
    response: UserView,
    access: 'global-admin',
  },
  'token.list': { summary: "A user's tokens", response: z.array(TokenView), access: 'user' },
  'token.create': {
    summary: 'Make a token, which is shown only now',
    body: z
      .object({
        name: accountName,
        scope: z.enum(['read', 'write']).optional(),
        project: z.string().max(100).nullable().optional(),
        expires_in_ms: z
          .int()
          .positive()
          .refine(
            (ms) => ms <= MAX_TOKEN_LIFE_DAYS * DAY_MS,
            `a token may live ${MAX_TOKEN_LIFE_DAYS} days; leave this out for one that does not end`,
          )
          .nullable()
          .optional(),
      })
      .strict(),
    response: z.object({ token: z.string(), info: TokenView }),
    access: 'user',
  },
  'token.revoke': { summary: 'Make a token worthless at once', response: none, access: 'user' },

  'project.list': { summary: "The user's projects", response: z.array(ProjectView), access: 'user' },
  'project.create': {
    summary: 'Make a project',
    body: z.object({ name: textOf(parseName, NAME_PATTERN) }).strict(),
    response: ProjectView,
    access: 'user',
  },
  'project.get': { summary: 'One project', response: ProjectView, access: 'member' },
  'project.delete': { summary: 'Delete a project that holds nothing', response: none, access: 'admin' },
  'member.put': {
    summary: 'Add a member or change the role; without a role a member keeps the present one, and a new one is a user',
    body: z.object({ role: z.enum(['admin', 'manager', 'user']).optional() }).strict(),
    response: ProjectView,
    access: 'manager',
  },
  'member.delete': { summary: 'Remove a member', response: ProjectView, access: 'manager' },

  'secret.list': {
    summary: 'Names of the secrets',
    response: z.array(z.object({ name: z.string(), updated_at: millis })),
    access: 'member',
  },
  'secret.put': {
    summary: 'Make or replace a secret',
    body: z
      .object({
        value: z
          .string()
          .max(64 * 1024)
          // No environment can hold it. (No `regex`: what fails one is shown, and this is a secret.)
          .refine((text) => !text.includes('\0'), 'a secret may not hold a NUL'),
      })
      .strict(),
    response: none,
    access: 'manager',
  },
  'secret.get': {
    summary: 'A secret and its value',
    response: z.object({ name: z.string(), value: z.string(), updated_at: millis }),
    access: 'manager',
  },
  'secret.delete': { summary: 'Delete a secret', response: none, access: 'manager' },

  ...backendOperations,
  'offer.list': {
    summary: 'Offers that fit a configuration, cheapest first',
    body: z.object({ configuration, limit: z.int().min(1).max(1000).optional() }).strict(),
    response: OffersView,
    access: 'member',
  },
  ...catalogOperations,

  'blob.missing': {
    summary: 'Which of these blobs the server does not have yet',
    body: z.object({ hashes: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(1000) }).strict(),
    response: z.object({ missing: z.array(z.string()) }),
    access: 'member',
  },
  'blob.put': { summary: 'Store a blob under its SHA-256', response: none, access: 'member' },

  'run.plan': { summary: 'What applying would do', body: RunSubmission, response: RunPlanView, access: 'member' },
  'run.apply': {
    summary: 'Submit a run',
    body: RunSubmission.extend({
      /** Version of the live run that the plan showed; null: the plan showed none. Omitted: apply regardless. */
      base: base.nullable().optional(),
    }).strict(),
    response: RunView,
    access: 'member',
  },
  'run.list': {
    summary: 'Runs, newest first',
    query: z.object({ ...page, live: flag }).strict(),
    response: z.object({ runs: z.array(RunView), next: z.string().nullable() }),
    access: 'member',
  },
  'run.get': { summary: 'One run', query: z.object({ all_jobs: flag }).strict(), response: RunView, access: 'member' },
  'run.stop': {
    summary: 'Stop a run, with grace or without',
    body: z.object({ abort: z.boolean().optional() }).strict(),
    response: RunView,
    access: 'member',
  },
  'run.delete': { summary: 'Delete a finished run with its logs and artifacts', response: none, access: 'member' },
  'run.logs': {
    summary: 'The log of one job, bytes as they were written',
    query: logQuery,
    response: LogEvent,
    access: 'member',
    stream: 'sse',
  },
  'run.watch': { summary: 'The run now and after every change', response: RunView, access: 'member', stream: 'sse' },
  'run.metrics': {
    summary: 'CPU, memory and GPU use of the jobs of a run',
    response: z.object({ points: z.array(MetricsPoint) }),
    access: 'member',
  },
  'run.artifacts': {
    summary: 'Artifacts of one job',
    query: z
      .object({ replica: z.coerce.number().int().min(0).optional(), node: z.coerce.number().int().min(0).optional() })
      .strict(),
    response: z.unknown(),
    access: 'member',
    stream: 'bytes',
  },

  'fleet.plan': {
    summary: 'What applying a fleet would do',
    body: z.object({ configuration }).strict(),
    response: FleetPlanView,
    access: 'member',
  },
  'fleet.apply': {
    summary: 'Make or change a fleet',
    body: z.object({ configuration, base: base.nullable().optional() }).strict(),
    response: FleetView,
    access: 'member',
  },
  'fleet.list': {
    summary: 'Fleets',
    query: z.object({ all: flag }).strict(),
    response: z.array(FleetView),
    access: 'member',
  },
  'fleet.get': { summary: 'One fleet', response: FleetView, access: 'member' },
  'fleet.delete': { summary: 'Delete a fleet and give its machines back', response: FleetView, access: 'member' },

  'instance.list': {
    summary: 'Instances',
    query: z.object({ ...page, all: flag, stuck: flag }).strict(),
    response: z.array(InstanceView),
    access: 'member',
  },
  'instance.get': { summary: 'One instance', response: InstanceView, access: 'member' },
  'instance.delete': { summary: 'Give one machine back', response: InstanceView, access: 'member' },

  ...upkeepOperations,

  'event.list': {
    summary: 'Events, newest first',
    query: z.object({ ...page, run: z.string().max(100).optional() }).strict(),
    response: z.object({ events: z.array(EventView), next: z.string().nullable() }),
    access: 'member',
  },
  'event.watch': {
    summary: 'Events as they happen',
    query: z.object({ run: z.string().max(100).optional() }).strict(),
    response: EventView,
    access: 'member',
    stream: 'sse',
  },
} as const satisfies Record<import('./api-routes.ts').RouteName, Operation>;

type OperationOf<Name extends keyof typeof API> = (typeof API)[Name];
export type ApiBody<Name extends keyof typeof API> =
  OperationOf<Name> extends { body: infer B extends z.ZodType } ? z.input<B> : undefined;
export type ApiQuery<Name extends keyof typeof API> =
  OperationOf<Name> extends { query: infer Q extends z.ZodType } ? z.input<Q> : undefined;
export type ApiResponse<Name extends keyof typeof API> = z.output<OperationOf<Name>['response']>;
