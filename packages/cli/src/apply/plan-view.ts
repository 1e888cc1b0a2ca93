import type { FleetPlanView, InstanceView, OfferView, RunPlanView } from '@berth/core/api-schemas';
import { describeResources } from '../output/describe.ts';
import { formatFacts } from '../output/facts.ts';
import { dollars, plural } from '../output/format.ts';
import { formatOffers, formatSources } from '../output/offers.ts';
import { styledError } from '../output/style.ts';
import { type Column, formatTable, terminalWidth } from '../output/table.ts';

export interface PlanContext {
  readonly file: string;
  readonly project: string;
  readonly code: string | null;
  readonly maxOffers: number;
}

/** The plan of a run as a person reads it before saying yes. On standard error: standard output is the job's. */
export function formatRunPlan(plan: RunPlanView, context: PlanContext): string {
  const { configuration } = plan;
  const facts = formatFacts(
    [
      ['Run', `${styledError('bold', plan.name)} (${context.file}, project ${context.project})`],
      ['Nodes', plan.nodes > 1 ? String(plan.nodes) : null],
      ['Image', textOf(configuration.image)],
      ['Commands', firstLines(configuration.commands)],
      ['Resources', describeRequest(configuration.resources)],
      ['Spot', textOf(configuration.spot_policy)],
      [
        'Max price',
        typeof configuration.max_price === 'number' ? `${dollars(configuration.max_price)} per hour` : null,
      ],
      ['Max duration', textOf(configuration.max_duration)],
      ['Retry', textOf(configuration.retry)],
      ['Code', context.code],
      ['Per hour', plan.price_per_hour === null ? 'nothing fits at present' : totalPrice(plan)],
    ],
    process.stderr,
  );
  const parts = [facts, formatPlaces(plan, context.maxOffers)];
  if (plan.current !== null) parts.push(formatChanges(plan));
  const problems = formatSources(plan.offers.sources);
  if (problems !== '') parts.push(problems);
  return parts.join('\n\n');
}

export function formatFleetPlan(plan: FleetPlanView, context: PlanContext): string {
  const facts = formatFacts(
    [
      ['Fleet', `${styledError('bold', plan.name)} (${context.file}, project ${context.project})`],
      ['Nodes', textOf(plan.configuration.nodes)],
      ['Resources', describeRequest(plan.configuration.resources)],
      ['Per hour', plan.price_per_hour === null ? null : dollars(plan.price_per_hour)],
    ],
    process.stderr,
  );
  const parts = [facts, formatOffers(cut(plan.offers, context.maxOffers), process.stderr)];
  if (plan.changes.length > 0) parts.push(formatChanges(plan));
  const problems = formatSources(plan.offers.sources);
  if (problems !== '') parts.push(problems);
  return parts.join('\n\n');
}

/** Ready instances first, because they would be taken first, and then what could be had. */
function formatPlaces(plan: RunPlanView, maxOffers: number): string {
  const offers = cut(plan.offers, Math.max(1, maxOffers - plan.idle_instances.length));
  if (plan.idle_instances.length === 0) return formatOffers(offers, process.stderr);
  const ready = formatReady(plan.idle_instances);
  const enough = plan.idle_instances.length >= plan.nodes || offers.offers.length === 0;
  return enough ? ready : `${ready}\n\n${formatOffers(offers, process.stderr)}`;
}

function formatReady(instances: readonly InstanceView[]): string {
  const columns: readonly Column<InstanceView>[] = [
    { title: 'READY', value: (i) => i.name, style: (text) => styledError('green', text), min: 10 },
    { title: 'BACKEND', value: (i) => i.backend, min: 6 },
    { title: 'REGION', value: (i) => i.zone ?? i.region, min: 6, dispensable: 2 },
    { title: 'RESOURCES', value: (i) => describeResources(i.resources, { disk: true }), min: 16 },
    { title: 'PER HOUR', value: (i) => dollars(i.price_per_hour), align: 'right' },
  ];
  return formatTable(columns, instances, terminalWidth(process.stderr));
}

function formatChanges(plan: Pick<RunPlanView, 'changes'>): string {
  if (plan.changes.length === 0) return 'Its configuration is the same as that of the one that is live.';
  const lines = plan.changes.map(({ path, before, after }) => {
    const from = before === null ? '' : styledError('red', `- ${short(before)}`);
    const to = after === null ? '' : styledError('green', `+ ${short(after)}`);
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
  const parts = Object.entries(resources).map(([key, value]) => `${key} ${short(value)}`);
  return parts.length === 0 ? null : parts.join(', ');
}

function textOf(value: unknown): string | null {
  return value === undefined || value === null ? null : short(value);
}

const LONGEST = 100;

function short(value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : JSON.stringify(value);
  const [line = ''] = text.split('\n');
  return line.length > LONGEST || line !== text ? `${line.slice(0, LONGEST)}…` : line;
}
