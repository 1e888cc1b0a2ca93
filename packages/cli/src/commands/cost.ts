import type { CostView } from '@berth/core/api-schemas';
import { COST_GROUPS, type CostGroup } from '@berth/core/cost';
import { Option } from 'commander';
import { defineCommand, withJson } from '../command.ts';
import { dollars, timestamp } from '../output/format.ts';
import { printJson } from '../output/json.ts';
import { parseSince } from '../output/parse-since.ts';
import { styled } from '../output/style.ts';
import { type Column, formatTable, terminalWidth } from '../output/table.ts';
import { print } from '../output/write.ts';

interface Options {
  readonly by?: CostGroup;
  readonly since?: number;
  readonly until?: number;
  readonly json?: true;
}

export default defineCommand<Options>({
  define: (parser) =>
    withJson(
      parser
        .addOption(new Option('--by <what>', 'instance when left out').choices(COST_GROUPS))
        .option('--since <time>', 'a duration before now, or a time; 30d when left out', parseSince)
        .option('--until <time>', 'as --since; now when left out', parseSince),
    ),
  examples: [
    'berth cost --by user --since 7d',
    'berth cost --by run --since 2026-05-01T00:00 --until 2026-06-01T00:00',
  ],
  async run(context, options) {
    const client = await context.client();
    const { by, since, until } = options;
    const view = await client.call('cost.get', {
      query: {
        ...(by === undefined ? {} : { by }),
        ...(since === undefined ? {} : { since: Math.floor(since) }),
        ...(until === undefined ? {} : { until: Math.floor(until) }),
      },
    });
    if (options.json === true) printJson(view);
    else print(`${formatCost(view)}\n`);
  },
});

type Group = CostView['groups'][number];
type Orphan = CostView['orphans'][number];

function formatCost(view: CostView): string {
  const period = styled('gray', `From ${timestamp(view.since)} to ${timestamp(view.until)}`);
  if (view.groups.length === 0 && view.orphans.length === 0) return `${period}\nNo machine was held.`;
  const columns: readonly Column<Group>[] = [
    { title: view.by.toUpperCase(), value: ({ name }) => name ?? nameless(view.by), min: 10 },
    { title: 'MACHINES', value: ({ instances }) => String(instances), align: 'right', dispensable: 1 },
    { title: 'NOW PER HOUR', value: (group) => nothingAsBlank(group.price_per_hour), align: 'right', dispensable: 2 },
    { title: 'COST', value: ({ cost }) => dollars(cost), align: 'right' },
  ];
  const total = `Total ${styled('bold', dollars(view.total))}, now ${dollars(view.price_per_hour)} per hour`;
  return [period, formatTable(columns, view.groups, terminalWidth()), total, ...formatOrphans(view.orphans)].join('\n');
}

function formatOrphans(orphans: readonly Orphan[]): readonly string[] {
  if (orphans.length === 0) return [];
  const columns: readonly Column<Orphan>[] = [
    { title: 'ON NO BOOK', value: (orphan) => orphan.cloud_id, min: 10 },
    { title: 'WHERE', value: ({ backend, region }) => `${backend}/${region}`, min: 8 },
    { title: 'STATUS', value: ({ status }) => status },
    { title: 'SINCE', value: ({ since }) => timestamp(since) },
    { title: 'UNTIL', value: ({ until }) => (until === null ? '' : timestamp(until)) },
    { title: 'COST', value: ({ cost }) => (cost === null ? 'price unknown' : dollars(cost)), align: 'right' },
  ];
  const unknown = orphans.filter(({ cost }) => cost === null).length;
  const note = unknown === 0 ? [] : [styled('yellow', `Not in the total: ${unknown} on no book, of unknown price`)];
  return ['', formatTable(columns, orphans, terminalWidth()), ...note];
}

function nameless(by: CostGroup): string {
  return by === 'fleet' ? '(in no fleet)' : '(idle)';
}

function nothingAsBlank(price: number): string {
  return price === 0 ? '' : dollars(price);
}
