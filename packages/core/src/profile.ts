import { z } from 'zod';
import { DURATION_PATTERN, parseDuration } from './durations.ts';
import { BerthError } from './errors.ts';
import { attempt, flag, notYet, textOf } from './grammar.ts';
import { NAME_PATTERN, parseName } from './name.ts';
import { quote } from './quote.ts';
import { RETRY_EVENTS } from './states.ts';

/**
 * Parameters that a configuration, a profile and in part a fleet share: where to look, what to pay, how
 * long to keep trying. Names and meaning are dstack's.
 */

const MAX_WORDS = 200;
const MAX_PROFILES = 1000;
const words = z.array(z.string().min(1)).max(MAX_WORDS);

export const durationSchema = z.union([
  z
    .int()
    .min(-1)
    .transform((value, context) => attempt(context, () => parseDuration(value))),
  z.literal(false).transform((value) => parseDuration(value)),
  textOf(parseDuration, DURATION_PATTERN),
]);

const limitedDuration = durationSchema.transform((value, context) => {
  if (value !== 'off') return value;
  context.addIssue({ code: 'custom', message: 'cannot be switched off here; give a duration, for example `1h`' });
  return z.NEVER;
});

const retry = z.union([
  flag,
  z.strictObject({
    on_events: z.array(z.enum(RETRY_EVENTS)).min(1).max(MAX_WORDS).nullish(),
    duration: limitedDuration.nullish(),
  }),
]);

const fleetName = textOf((text) => {
  if (!text.includes('/')) return parseName(text);
  throw new BerthError('not-supported', `the fleet of another project (${quote(text)}) is not yet supported`);
}, NAME_PATTERN);

const MAX_TAGS = 25;
/** Azure's are resource ids, the longest of all. */
const MAX_RESERVATION_LENGTH = 500;
const tag = z
  .string()
  .max(256)
  .regex(/^[^\u0000-\u001f\u007f]*$/);

export const nameSchema = textOf(parseName, NAME_PATTERN).meta({
  description: 'Lower-case letters, digits and dashes; made up when left out.',
});

/** What a task, a profile and a fleet share. */
export const placementShape = {
  backends: words.nullish().meta({ description: 'Backends to look in; all when left out.' }),
  regions: words.nullish().meta({ description: 'Regions to look in.' }),
  availability_zones: words.nullish().meta({ description: 'Availability zones to look in.' }),
  instance_types: words.nullish().meta({ description: 'Instance types to choose from.' }),
  spot_policy: z
    .enum(['spot', 'on-demand', 'auto'])
    .nullish()
    .meta({ description: 'Machines that the cloud may take back: only those, none (default), or either.' }),
  max_price: z
    .number()
    .positive()
    .nullish()
    .meta({ description: 'Most that one machine may cost, US dollars per hour.' }),
  idle_duration: durationSchema.nullish().meta({ description: 'How long an idle machine is kept; `off`: for ever.' }),
  tags: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9 _.:/=+@-]{0,127}$/), tag)
    .refine((tags) => Object.keys(tags).length <= MAX_TAGS, `there can be at most ${MAX_TAGS} tags`)
    .nullish()
    .meta({ description: 'Names and values that machines are labelled with.' }),
  reservation: z
    .string()
    .min(1)
    .max(MAX_RESERVATION_LENGTH)
    .regex(/^[^\s\p{C}]+$/u)
    .nullish()
    .meta({ description: "The cloud's id of capacity that is paid for already; only machines in it are used." }),
  backend_options: notYet('`backend_options`'),
};

/** What a task and a profile share. */
export const profileShape = {
  ...placementShape,
  retry: retry.nullish().meta({ description: 'Whether to try again, after which events, and for how long (1h).' }),
  max_duration: durationSchema.nullish().meta({ description: 'The longest that a run may take; `off`: no limit.' }),
  stop_duration: durationSchema.nullish().meta({ description: 'Time to stop by itself before it is killed (5m).' }),
  creation_policy: z
    .enum(['reuse', 'reuse-or-create'])
    .nullish()
    .meta({ description: 'Whether new machines may be made, or only idle ones used.' }),
  startup_order: z
    .enum(['any', 'master-first', 'workers-first'])
    .nullish()
    .meta({ description: 'Which nodes of a run start first.' }),
  stop_criteria: z
    .enum(['all-done', 'master-done'])
    .nullish()
    .meta({ description: 'When a run of several nodes is done.' }),
  fleets: z
    .array(fleetName)
    .max(MAX_WORDS)
    .nullish()
    .meta({ description: 'Fleets whose machines may be used; all when left out.' }),
  utilization_policy: notYet('`utilization_policy`'),
  schedule: notYet('`schedule`'),
  instances: notYet('`instances` (placement on named machines)'),
};

export const profileSchema = z.strictObject({ name: z.string().min(1), default: flag.nullish(), ...profileShape });

export const profilesFileSchema = z
  .strictObject({ profiles: z.array(profileSchema).max(MAX_PROFILES) })
  .meta({ title: 'Berth profiles', description: 'Parameters shared by configurations.' });
