import { z } from 'zod';
import { BerthError } from './errors.ts';
import { attempt, notYet, SWITCHED_OFF, textOf } from './grammar.ts';
import type { Range } from './offer.ts';
import { nameSchema, placementShape } from './profile.ts';
import { COUNT, formatRange, parseRange, rangePattern } from './ranges.ts';
import { resourcesSchema } from './resources.ts';

/** `type: fleet`: a named set of machines that are made, kept and given back by policy. */

/** As for the nodes of a task. */
const MAX_NODES = 1000;

export interface FleetNodes {
  readonly min: number;
  /** How many to hold now. */
  readonly target: number;
  /** Null: no upper limit. */
  readonly max: number | null;
}

/** `2`, `0..4`, `1..`. @throws BerthError `invalid-configuration` */
export function parseFleetNodes(text: string): FleetNodes {
  return fleetNodes(parseRange(text, COUNT), null);
}

/** The text that `parseFleetNodes` reads as the same, when `target` is `min`. */
export function formatFleetNodes(nodes: FleetNodes): string {
  return formatRange({ min: nodes.min, max: nodes.max });
}

function fleetNodes(range: Range, wanted: number | null): FleetNodes {
  const min = range.min ?? 0;
  const target = wanted ?? min;
  if (range.max !== null && range.max < min) {
    throw new BerthError('invalid-configuration', `\`min\` (${min}) is above \`max\` (${range.max})`);
  }
  if (target < min || (range.max !== null && target > range.max)) {
    throw new BerthError(
      'invalid-configuration',
      `\`target\` (${target}) does not lie in \`${formatRange({ ...range, min })}\``,
    );
  }
  if (Math.max(target, range.max ?? 0) > MAX_NODES) {
    throw new BerthError('invalid-configuration', `a fleet can have at most ${MAX_NODES} nodes`);
  }
  return { min, target, max: range.max };
}

const count = z.int().min(0);
const nodes = z.union([
  count.transform((value, context) => attempt(context, () => fleetNodes({ min: value, max: value }, null))),
  textOf(parseFleetNodes, rangePattern(COUNT)),
  z
    .strictObject({ min: count.nullish(), target: count.nullish(), max: count.nullish() })
    .transform((value, context) =>
      attempt(context, () => fleetNodes({ min: value.min ?? null, max: value.max ?? null }, value.target ?? null)),
    ),
]);

export const fleetSchema = z
  .strictObject({
    type: z.literal('fleet'),
    name: nameSchema.nullish(),
    nodes: nodes.meta({ description: 'How many machines: `2`, `0..4`, `1..`, or a map with min, target and max.' }),
    placement: z
      .enum(['any', 'cluster'])
      .nullish()
      .meta({ description: '`cluster`: machines that share a fast network.' }),
    resources: resourcesSchema.nullish(),
    ...placementShape,
    blocks: notYet('`blocks` other than 1', { harmless: [1] }),
    ssh_config: notYet('`ssh_config` (a fleet of your own hosts)'),
    env: notYet('`env` of a fleet'),
    retry: notYet('`retry` of a fleet', { harmless: SWITCHED_OFF }),
  })
  .meta({ title: 'Fleet', description: 'A set of machines that runs use.' });

/** The fields of a fleet, units read. */
export type FleetFields = z.output<typeof fleetSchema>;
