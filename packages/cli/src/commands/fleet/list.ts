import type { FleetView } from '@berth/core/api-schemas';
import { defineCommand, withJson } from '../../command.ts';
import { describeResources, statusColour } from '../../output/describe.ts';
import { age, dollars } from '../../output/format.ts';
import { printJson } from '../../output/json.ts';
import { styled } from '../../output/style.ts';
import { type Column, formatTable, terminalWidth } from '../../output/table.ts';
import { print } from '../../output/write.ts';

interface Options {
  readonly all?: true;
  readonly json?: true;
}

export default defineCommand<Options>({
  define: (parser) => withJson(parser.option('-a, --all', 'also fleets that are deleted')),
  async run(context, options) {
    const client = await context.client();
    const fleets = await client.call('fleet.list', { query: options.all === true ? { all: 'true' } : {} });
    if (options.json === true) printJson(fleets);
    else print(fleets.length === 0 ? 'There are no fleets.\n' : `${formatFleets(fleets)}\n`);
  },
});

function formatFleets(fleets: readonly FleetView[]): string {
  const now = Date.now();
  const live = (fleet: FleetView) => fleet.instances.filter((instance) => instance.status !== 'terminated');
  const columns: readonly Column<FleetView>[] = [
    { title: 'NAME', value: (fleet) => fleet.name, style: (text) => styled('bold', text), min: 10 },
    {
      title: 'STATUS',
      value: (fleet) => fleet.status,
      style: (text, fleet) => styled(statusColour(fleet.status), text),
    },
    { title: 'INSTANCES', value: (fleet) => `${live(fleet).length} of ${range(fleet)}`, align: 'right' },
    { title: 'BUSY', value: (fleet) => String(live(fleet).filter((i) => i.status === 'busy').length), align: 'right' },
    {
      title: 'RESOURCES',
      value: (fleet) => [...new Set(live(fleet).map((i) => describeResources(i.resources)))].join('; '),
      min: 12,
      dispensable: 1,
    },
    {
      title: 'PER HOUR',
      value: (fleet) => dollars(live(fleet).reduce((sum, i) => sum + i.price_per_hour, 0)),
      align: 'right',
    },
    { title: 'CREATED', value: (fleet) => age(fleet.created_at, now), align: 'right', dispensable: 2 },
    { title: 'MESSAGE', value: (fleet) => fleet.message ?? '', min: 12, dispensable: 3 },
  ];
  return formatTable(columns, fleets, terminalWidth());
}

function range(fleet: FleetView): string {
  const { min, max } = fleet.nodes;
  return max === min ? String(min) : `${min}..${max ?? ''}`;
}
