/** What commands on the catalog of this machine tell. */
import type { CatalogHistoryView, CatalogSourceView, CatalogStatusView } from '@berth/core/api-catalog';
import type { CheckReport, CollectedReport, DiffReport } from '@berth/core/catalog-tool';
import { age, dollars, duration, plural } from './format.ts';
import { printableLine } from './printable.ts';
import { sparkline } from './sparkline.ts';
import { styled } from './style.ts';
import { type Column, formatTable, terminalWidth } from './table.ts';

export function formatStatus(status: CatalogStatusView, now: number): string {
  const columns: readonly Column<CatalogSourceView>[] = [
    { title: 'SOURCE', value: ({ source }) => source },
    { title: 'KIND', value: ({ kind }) => kind, dispensable: 2 },
    { title: 'STATE', value: stateOf, style: (text, row) => styled(stateColour(row), text) },
    { title: 'OFFERS', value: ({ offers }) => `${offers}`, align: 'right' },
    { title: 'AGE', value: (row) => (row.collected_at === null ? '' : age(row.collected_at, now)), align: 'right' },
    { title: 'VERSION', value: ({ version }) => version ?? '', min: 12, dispensable: 3 },
    { title: '', value: ({ reason }) => reason ?? '', min: 16 },
  ];
  const parts = [formatTable(columns, status.sources, terminalWidth())];
  if (status.unmapped.length > 0) {
    const labels = status.unmapped.map(
      ({ label, backend, offers }) => `  ${printableLine(label)} (${backend}, ${plural(offers, 'offer')})`,
    );
    parts.push(`Accelerators that the registry does not know:\n${labels.join('\n')}`);
  }
  const from = status.url === null ? '' : `, pulled from ${status.url}`;
  parts.push(`${plural(status.offers, 'offer')} in all${from}`);
  return parts.join('\n\n');
}

/** The starter is never fresher than the release that it came with. */
function stateOf({ kind, state }: CatalogSourceView): string {
  return kind === 'starter' ? 'as shipped' : state;
}

function stateColour({ kind, state }: CatalogSourceView): 'green' | 'yellow' | 'red' | 'gray' {
  if (kind === 'starter') return 'gray';
  return ({ fresh: 'green', stale: 'yellow', failed: 'red', skipped: 'gray' } as const)[state];
}

/** Several lines for each source. */
export function formatChecks(reports: readonly CheckReport[]): string {
  return reports.map((report) => formatCheck(report)).join('\n');
}

/** `note`: stands at the end of the first line. */
function formatCheck(report: CheckReport, note = ''): string {
  const mark = report.ok ? styled('green', '✓') : styled('red', '✗');
  const left = report.quarantined === 0 ? '' : `, ${plural(report.quarantined, 'row')} put aside`;
  const lines = [`${mark} ${report.source}: ${plural(report.offers, 'offer')}${left}${note}`];
  for (const { rule, message, rows } of report.complaints) {
    // Each label is told below, with how many offers have it.
    if (rule === 'unmapped' && report.unmapped.length > 0) continue;
    const times = rows === null || rows === 1 ? '' : ` (${plural(rows, 'row')})`;
    lines.push(`    ${rule}: ${printableLine(message)}${times}`);
  }
  for (const { label, offers } of report.unmapped)
    lines.push(`    unknown accelerator: ${printableLine(label)} (${plural(offers, 'offer')})`);
  return lines.join('\n');
}

export function formatCollected(reports: readonly CollectedReport[]): string {
  return reports
    .map((report) => {
      const skipped = report.skipped.map(({ what, reason, times }) => {
        const often = times === 1 ? '' : ` (${times} times)`;
        return `    left out ${printableLine(what)}: ${printableLine(reason)}${often}`;
      });
      return [formatCheck(report, `  ${styled('gray', duration(report.ms))}`), ...skipped].join('\n');
    })
    .join('\n');
}

export function formatDiff(diff: DiffReport): string {
  const columns: readonly Column<DiffReport['sources'][number]>[] = [
    { title: 'SOURCE', value: ({ source }) => source },
    { title: 'BEFORE', value: ({ before }) => `${before}`, align: 'right' },
    { title: 'AFTER', value: ({ after }) => `${after}`, align: 'right' },
    { title: 'NEW', value: ({ added }) => `${added}`, align: 'right' },
    { title: 'GONE', value: ({ removed }) => `${removed}`, align: 'right' },
    { title: 'DEARER', value: ({ dearer }) => `${dearer}`, align: 'right' },
    { title: 'CHEAPER', value: ({ cheaper }) => `${cheaper}`, align: 'right' },
  ];
  if (diff.sources.length === 0) return 'Neither side holds an offer.';
  const table = formatTable(columns, diff.sources, terminalWidth());
  if (diff.changes.length === 0) return table;
  const changes: readonly Column<DiffReport['changes'][number]>[] = [
    { title: 'OFFER', value: ({ id }) => id, min: 24 },
    { title: 'BEFORE', value: ({ before }) => (before === null ? 'new' : dollars(before)), align: 'right' },
    { title: 'AFTER', value: ({ after }) => (after === null ? 'gone' : dollars(after)), align: 'right' },
  ];
  const all = diff.sources.reduce((sum, row) => sum + row.added + row.removed + row.dearer + row.cheaper, 0);
  const left = all - diff.changes.length;
  const more = left > 0 ? `\n… and ${plural(left, 'more change')}` : '';
  return `${table}\n\n${formatTable(changes, diff.changes, terminalWidth())}${more}`;
}

type Series = CatalogHistoryView['series'][number];

/**
 * A line for each cloud: from what price to what price. How it went is told by the chart above the lines, or,
 * where it is null, by blocks in each line.
 */
export function formatHistory(history: CatalogHistoryView, now: number, chart: string | null): string {
  const width = terminalWidth() ?? 120;
  const times = history.series.flatMap(({ points }) => points.map(({ at }) => at));
  const prices = history.series.flatMap(({ points }) => points.flatMap(({ price_per_gpu: price }) => price ?? []));
  if (times.length === 0 || prices.length === 0) return `No price of ${history.gpu} was ever recorded here.`;
  const since = Math.min(...times);
  const scale = { since, until: Math.max(now, since + 1), low: Math.min(...prices), high: Math.max(...prices) };
  const blocks = Math.max(8, Math.min(60, width - 56));
  const of = (series: Series) => series.points.flatMap(({ price_per_gpu: price }) => price ?? []);
  const course: Column<Series> = {
    title: `SINCE ${new Date(since).toISOString().slice(0, 10)}`,
    value: (series) => sparkline(series.points, scale, blocks),
  };
  const columns: readonly Column<Series>[] = [
    { title: 'BACKEND', value: ({ backend }) => backend },
    { title: 'CAPACITY', value: ({ capacity_type: type }) => type },
    ...(chart === null ? [course] : []),
    { title: 'LOW', value: (series) => dollars(Math.min(...of(series))), align: 'right' },
    { title: 'HIGH', value: (series) => dollars(Math.max(...of(series))), align: 'right' },
    { title: 'NOW', value: (series) => current(series), align: 'right' },
  ];
  const shown = history.series.filter((series) => of(series).length > 0);
  const table = formatTable(columns, shown, terminalWidth());
  const above = chart === null ? '' : `${chart}\n\n`;
  return `${above}${table}\n\nThe cheapest price of one ${history.gpu}, per hour.`;
}

function current({ points }: Series): string {
  const price = points.at(-1)?.price_per_gpu ?? null;
  return price === null ? 'not sold' : dollars(price);
}
