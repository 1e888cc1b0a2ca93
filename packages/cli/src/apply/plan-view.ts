import type { FleetPlanView, InstanceView, OfferView, RunPlanView } from '@berth/core/api-schemas';
import { describeConfigured } from '../output/configured.ts';
import { describeResources } from '../output/describe.ts';
import { formatFacts } from '../output/facts.ts';
import { dollars, plural } from '../output/format.ts';
import { formatOffers, formatSources } from '../output/offers.ts';
import { styledFor } from '../output/style.ts';
import { type Column, formatTable, terminalWidth } from '../output/table.ts';

export interface PlanContext {
  readonly file: string;
  readonly project: string;
  readonly code: string | null;
  readonly maxOffers: number;
  /** Where it is shown. */
  readonly stream: NodeJS.WriteStream;
}

/** The plan of a run as a person reads it before saying yes. */
export function formatRunPlan(plan: RunPlanView, context: PlanContext): string {
  const { configuration } = plan;
  const facts = formatFacts(
    [
      ['Run', `${styledFor(context.stream, 'bold', plan.name)} (${context.file}, project ${context.project})`],
      ['Nodes', plan.nodes > 1 ? String(plan.nodes) : null],
      ['Image', textOf(configuration.image)],
      ['Commands', firstLines(configuration.commands)],
      ['Resources', describeRequest(configuration.resources)],
      ['Spot', textOf(configuration.spot_policy)],
      ['Reservation', textOf(configuration.reservation)],
      [
        'Max price',
        typeof configuration.max_price === 'number' ? `${dollars(configuration.max_price)} per hour` : null,
      ],
      ['Max duration', textOf(configuration.max_duration)],
      ['Retry', textOf(configuration.retry)],
      ['Code', context.code],
      ['Per hour', plan.price_per_hour === null ? 'nothing fits at present' : totalPrice(plan)],
    ],
    context.stream,
  );
  const parts = [facts, formatPlaces(plan, context)];
  if (plan.current !== null) parts.push(formatChanges(plan, context.stream));
  const problems = formatSources(plan.offers.sources, context.stream);
  if (problems !== '') parts.push(problems);
  return parts.join('\n\n');
}

export function formatFleetPlan(plan: FleetPlanView, context: PlanContext): string {
  const facts = formatFacts(
    [
      ['Fleet', `${styledFor(context.stream, 'bold', plan.name)} (${context.file}, project ${context.project})`],
      ['Nodes', textOf(plan.configuration.nodes)],
      ['Resources', describeRequest(plan.configuration.resources)],
      ['Per hour', plan.price_per_hour === null ? null : dollars(plan.price_per_hour)],
    ],
    context.stream,
  );
  const parts = [facts, formatOffers(cut(plan.offers, context.maxOffers), context.stream)];
  if (plan.changes.length > 0) parts.push(formatChanges(plan, context.stream));
  const problems = formatSources(plan.offers.sources, context.stream);
  if (problems !== '') parts.push(problems);
  return parts.join('\n\n');
}

/** Ready instances first, because they would be taken first, and then what could be had. */
function formatPlaces(plan: RunPlanView, context: PlanContext): string {
  const offers = cut(plan.offers, Math.max(1, context.maxOffers - plan.idle_instances.length));
  if (plan.idle_instances.length === 0) return formatOffers(offers, context.stream);
  const ready = formatReady(plan.idle_instances, context.stream);
  const enough = plan.idle_instances.length >= plan.nodes || offers.offers.length === 0;
  return enough ? ready : `${ready}\n\n${formatOffers(offers, context.stream)}`;
}

function formatReady(instances: readonly InstanceView[], stream: NodeJS.WriteStream): string {
  const columns: readonly Column<InstanceView>[] = [
    { title: 'READY', value: (i) => i.name, style: (text) => styledFor(stream, 'green', text), min: 10 },
    { title: 'BACKEND', value: (i) => i.backend, min: 6 },
    { title: 'REGION', value: (i) => i.zone ?? i.region, min: 6, dispensable: 2 },
    { title: 'RESOURCES', value: (i) => describeResources(i.resources, { disk: true }), min: 16 },
    { title: 'PER HOUR', value: (i) => dollars(i.price_per_hour), align: 'right' },
  ];
  return formatTable(columns, instances, terminalWidth(stream));
}

function formatChanges(plan: Pick<RunPlanView, 'changes'>, stream: NodeJS.WriteStream): string {
  if (plan.changes.length === 0) return 'Its configuration is the same as that of the one that is live.';
  const lines = plan.changes.map(({ path, before, after }) => {
    const from = before === null ? '' : styledFor(stream, 'red', `- ${short(before)}`);
    const to = after === null ? '' : styledFor(stream, 'green', `+ ${short(after)}`);
    return `  ${path}: ${[from, to].filter((part) => part !== '').join('  ')}`;
  });
  return `Different from the one that is live:\n${lines.join('\n')}`;
}

function totalPrice(plan: RunPlanView): string {
  const total = dollars(plan.price_per_hour ?? 0);
  return plan.nodes > 1 ? `${total} for ${plural(plan.nodes, 'node')}` : total;
}

function cut<T extends { readonly offers: readonly OfferView[] }>(
  offers: T,
  most: number,
): T & { offers: OfferView[] } {
  return { ...offers, offers: offers.offers.slice(0, most) };
}

const SHOWN_COMMANDS = 3;

function firstLines(commands: unknown): string | null {
  if (!Array.isArray(commands) || commands.length === 0) return null;
  const lines = commands.slice(0, SHOWN_COMMANDS).map((command) => short(command));
  if (commands.length > SHOWN_COMMANDS) lines.push(`… and ${commands.length - SHOWN_COMMANDS} more`);
  return lines.join('\n');
}

function describeRequest(resources: unknown): string | null {
  if (typeof resources !== 'object' || resources === null) return null;
  return describeConfigured(resources) || null;
}

function textOf(value: unknown): string | null {
  return value === undefined || value === null ? null : short(value);
}

const LONGEST = 100;

function short(value: unknown): string {
  const text = describeConfigured(value);
  const [line = ''] = text.split('\n');
  return line.length > LONGEST || line !== text ? `${line.slice(0, LONGEST)}…` : line;
}
