import type { RunView } from '@berth/core/api-schemas';
import { describePlace, describeRun, statusColour } from './describe.ts';
import { age, dollars } from './format.ts';
import { styled } from './style.ts';
import { type Column, formatTable, terminalWidth } from './table.ts';

export function formatRuns(runs: readonly RunView[], now: number): string {
  if (runs.length === 0) return 'There are no runs.';
  const columns: readonly Column<RunView>[] = [
    { title: 'NAME', value: (run) => run.name, style: (text) => styled('bold', text), min: 12 },
    {
      title: 'STATUS',
      value: describeRun,
      style: (text, run) => styled(statusColour(run.status), text),
      min: 12,
    },
    { title: 'WHERE', value: describePlace, min: 8, dispensable: 3 },
    { title: 'NODES', value: (run) => (run.nodes > 1 ? String(run.nodes) : ''), align: 'right', dispensable: 4 },
    { title: 'PER HOUR', value: (run) => dollars(run.price_per_hour), align: 'right', dispensable: 2 },
    { title: 'COST', value: (run) => dollars(run.cost), align: 'right' },
    { title: 'USER', value: (run) => run.user, min: 6, dispensable: 5 },
    { title: 'SUBMITTED', value: (run) => age(run.submitted_at, now), align: 'right', dispensable: 1 },
    { title: 'MESSAGE', value: (run) => run.message ?? '', min: 12, dispensable: 6 },
  ];
  return formatTable(columns, runs, terminalWidth());
}
