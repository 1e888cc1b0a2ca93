import { drawChart } from '@berth/catalog/history-chart';
import type { CatalogHistoryView } from '@berth/core/api-catalog';
import type { HistoryChartOptions } from '@berth/core/catalog-tool';

/** One line for each backend and capacity type, over the time that the history covers. */
export function drawHistory({ series }: CatalogHistoryView, { width, height, until }: HistoryChartOptions): string {
  const times = series.flatMap(({ points }) => points.map(({ at }) => at));
  const isMixed = new Set(series.map(({ capacity_type: type }) => type)).size > 1;
  const lines = drawChart(
    series.map(({ backend, capacity_type: type, points }) => ({
      label: isMixed ? `${backend} ${type}` : backend,
      points: points.map(({ at, price_per_gpu: value }) => ({ at, value })),
    })),
    { width, height, from: Math.min(...times), to: Math.max(until, ...times), glyphs: 'unicode', colour: false },
  );
  return lines.join('\n');
}
