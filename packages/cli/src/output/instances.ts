import type { InstanceView } from '@berth/core/api-schemas';
import { describeResources, statusColour } from './describe.ts';
import { age, dollars } from './format.ts';
import { styled } from './style.ts';
import { type Column, formatTable, terminalWidth } from './table.ts';

export function formatInstances(instances: readonly InstanceView[], now: number): string {
  if (instances.length === 0) return 'There are no instances.';
  const columns: readonly Column<InstanceView>[] = [
    { title: 'NAME', value: (i) => i.name, style: (text) => styled('bold', text), min: 10 },
    { title: 'STATUS', value: describeInstance, style: (text, i) => styled(statusColour(i.status), text), min: 8 },
    { title: 'FLEET', value: (i) => i.fleet ?? '', min: 6, dispensable: 4 },
    { title: 'WHERE', value: (i) => `${i.backend}/${i.zone ?? i.region}`, min: 8, dispensable: 2 },
    { title: 'TYPE', value: (i) => i.instance_type, min: 6, dispensable: 3 },
    { title: 'RESOURCES', value: (i) => describeResources(i.resources), min: 12, dispensable: 1 },
    { title: 'PER HOUR', value: (i) => dollars(i.price_per_hour), align: 'right' },
    { title: 'COST', value: (i) => dollars(i.cost), align: 'right' },
    {
      title: 'IDLE',
      value: (i) => (i.idle_since === null || i.status !== 'idle' ? '' : age(i.idle_since, now)),
      align: 'right',
    },
    { title: 'RUNS', value: (i) => i.runs.join(', '), min: 8 },
    { title: 'CREATED', value: (i) => age(i.created_at, now), align: 'right', dispensable: 5 },
    { title: 'OUT OF REACH', value: (i) => i.out_of_reach ?? '', min: 16 },
  ];
  return formatTable(columns, instances, terminalWidth());
}

function describeInstance(instance: InstanceView): string {
  if (instance.unreachable) return `${instance.status} (unreachable)`;
  const ended = instance.status === 'terminating' || instance.status === 'terminated';
  return ended && instance.end_reason !== null ? `${instance.status} (${instance.end_reason})` : instance.status;
}
