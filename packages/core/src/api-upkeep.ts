/** Operations that keep books and clouds together: sweeps, and what machines have cost. */
import { z } from 'zod';
import { dollars, millis } from './api-views.ts';
import { COST_GROUPS } from './cost.ts';

export const OrphanView = z.object({
  cloud_id: z.string(),
  name: z.string().nullable(),
  region: z.string(),
  status: z
    .enum(['watched', 'reported', 'terminating', 'gone'])
    .describe('`watched`: too young to judge; `reported`: not provably ours; `terminating`: tried for ever'),
  instance: z.string().nullable().describe('Id of the instance that was written off although its machine lives'),
  first_seen_at: millis,
  terminates_at: millis.nullable().describe('When it is terminated, or tried to be again'),
  attempts: z.int(),
  error: z.string().nullable(),
});

export const SweepView = z.object({
  dry_run: z.boolean(),
  backends: z.array(
    z.object({
      backend: z.string(),
      status: z.enum(['swept', 'failed', 'unavailable']),
      message: z.string().nullable(),
      machines: z.int().describe('How many the cloud lists as ours'),
      orphans: z.array(OrphanView),
      gone: z.array(z.object({ id: z.string(), name: z.string() })).describe('The cloud does not have them any more'),
      adopted: z.array(z.object({ id: z.string(), name: z.string() })).describe('Found after a lost answer'),
    }),
  ),
});

export const CostView = z.object({
  since: millis,
  until: millis,
  by: z.enum(COST_GROUPS),
  groups: z.array(
    z.object({
      name: z.string().nullable().describe('Null: of machines that belong to none, or stood idle'),
      cost: dollars,
      price_per_hour: dollars.describe('What it costs per hour at present'),
      instances: z.int(),
    }),
  ),
  total: dollars,
  price_per_hour: dollars.describe('What everything costs per hour at present'),
  orphans: z
    .array(
      z.object({
        cloud_id: z.string(),
        backend: z.string(),
        region: z.string(),
        status: z.string(),
        since: millis,
        until: millis.nullable(),
        cost: dollars.nullable().describe('Null: its price is not known; it is not in the total'),
      }),
    )
    .describe('Machines on no book, as long as they were seen'),
});

export const upkeepOperations = {
  'instance.sweep': {
    summary: 'Compare what the clouds list with the books, now',
    body: z.object({ dry_run: z.boolean().optional() }).strict(),
    response: SweepView,
    access: 'manager',
  },
  'cost.get': {
    summary: 'What machines have cost in a time, at the prices at which they were taken',
    query: z
      .object({
        since: z.coerce.number().int().min(0).optional().describe('30 days before `until` when left out'),
        until: z.coerce.number().int().min(0).optional().describe('Now when left out'),
        by: z.enum(COST_GROUPS).optional().describe('`instance` when left out'),
      })
      .strict(),
    response: CostView,
    access: 'member',
  },
} as const;

export type OrphanView = z.output<typeof OrphanView>;
export type SweepView = z.output<typeof SweepView>;
export type CostView = z.output<typeof CostView>;
