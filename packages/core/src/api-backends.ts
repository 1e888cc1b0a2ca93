/** Operations on the clouds of a project: which there can be, which there are, and their change. */
import { z } from 'zod';
import { millis } from './api-views.ts';

const kind = z.enum(['vm', 'container']);
const jsonSchema = z.record(z.string(), z.unknown());

export const BackendView = z.object({
  name: z.string(),
  type: z.string(),
  title: z.string(),
  kind: kind.nullable(),
  status: z
    .enum(['ready', 'unavailable', 'removed'])
    .describe('`removed`: it takes no new work, and is kept until its machines are gone'),
  reason: z.string().nullable(),
  account: z.string().nullable(),
  facets: z.array(z.string()),
  source: z
    .enum(['config.yml', 'api', 'default'])
    .nullable()
    .describe('Who wrote it down; `default`: a server without config.yml has it; null: nobody'),
  holds: z.int().describe('Machines of it that may still cost money'),
});

/** One backend without its secrets. */
export const BackendDetailView = BackendView.extend({
  config: z.record(z.string(), z.unknown()).nullable().describe('As it was written; null: it is not known'),
  credentials: z
    .object({ kind: z.string(), fields: z.array(z.string()) })
    .nullable()
    .describe('Their kind and the names of what is set; no value is ever shown'),
  created_at: millis.nullable(),
});

export const BackendTypeView = z.object({
  type: z.string(),
  title: z.string(),
  kind: kind.nullable(),
  status: z.enum(['available', 'unavailable']),
  reason: z.string().nullable(),
  creates_machines: z.boolean().describe('False: there is only its price list so far'),
  config: jsonSchema.describe('JSON Schema of its configuration').nullable(),
  credentials: z
    .array(
      z.object({
        kind: z.string().describe('`default` means ambient ones'),
        schema: jsonSchema.describe('JSON Schema; fields that are `writeOnly` are secret'),
      }),
    )
    .describe('The kinds of credentials that it takes'),
});

/**
 * No check of the credentials' parts here: what fails a check is repeated in the refusal. The backend's own
 * schema checks them, and repeats nothing.
 */
const credentials = z
  .unknown()
  .optional()
  .meta({
    description: 'Their kind, and its fields; left out for the kind `default`',
    type: 'object',
    properties: { kind: { type: 'string' }, value: { type: 'object' } },
  });

const BackendSubmission = z
  .object({ type: z.string().max(60), config: z.record(z.string(), z.unknown()).optional(), credentials })
  .strict();

export const BackendChoicesView = z.object({
  account: z.string(),
  facets: z.array(z.string()),
  choices: z
    .record(z.string(), z.array(z.object({ value: z.string(), title: z.string().optional() })))
    .describe('What the account has to choose from, by field of the config'),
});

export const backendOperations = {
  'backend.types': {
    summary: 'Types of backends that are installed, with what each is asked for, and those that cannot be loaded',
    response: z.array(BackendTypeView),
    access: 'user',
  },
  'backend.list': {
    summary: 'Backends of the project, and those that cannot be used, with the reason',
    response: z.array(BackendView),
    access: 'member',
  },
  'backend.get': {
    summary: 'One backend, without its secrets',
    response: BackendDetailView,
    access: 'manager',
  },
  'backend.put': {
    summary: 'Make or replace a backend; the cloud is asked first, and nothing is kept that it refuses',
    body: BackendSubmission,
    response: BackendView,
    access: 'admin',
  },
  'backend.choices': {
    summary: 'What the account has to choose from; nothing is kept',
    body: BackendSubmission,
    response: BackendChoicesView,
    access: 'admin',
  },
  'backend.delete': {
    summary: 'Delete a backend that holds no machines; with `when_empty` one that does goes when they are gone',
    query: z.object({ when_empty: z.enum(['true', 'false']).optional() }).strict(),
    response: z.object({ holds: z.int().describe('Machines that it is kept for; 0: it is gone') }),
    access: 'admin',
  },
} as const;

export type BackendView = z.output<typeof BackendView>;
export type BackendDetailView = z.output<typeof BackendDetailView>;
export type BackendTypeView = z.output<typeof BackendTypeView>;
export type BackendChoicesView = z.output<typeof BackendChoicesView>;
