import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CatalogHistoryView } from '@berth/core/api-catalog';
import { drawHistory } from './draw-history.ts';

const DAY = 24 * 3_600_000;
const HISTORY: CatalogHistoryView = {
  gpu: 'H100',
  series: [
    {
      backend: 'aws',
      capacity_type: 'on-demand',
      points: [
        { at: 0, price_per_gpu: 6.88 },
        { at: 20 * DAY, price_per_gpu: 3.9 },
      ],
    },
    { backend: 'lambda', capacity_type: 'on-demand', points: [{ at: 5 * DAY, price_per_gpu: 2.99 }] },
  ],
};

test('prices over time are a chart with both prices on its axis, both clouds in its legend, and no line that is too wide', () => {
  const chart = drawHistory(HISTORY, { width: 70, height: 12, until: 30 * DAY });
  const lines = chart.split('\n');
  assert.ok(lines.length >= 12, chart);
  assert.ok(
    lines.every((line) => line.length <= 70),
    chart,
  );
  assert.match(chart, /aws/);
  assert.match(chart, /lambda/);
  assert.match(chart, /1970-01-01|Jan/);
  assert.doesNotMatch(chart, /\x1b/);
});

test('what is sold in two ways is told apart', () => {
  const [aws] = HISTORY.series;
  assert.ok(aws !== undefined);
  const spot = { ...aws, capacity_type: 'spot' as const };
  const chart = drawHistory({ ...HISTORY, series: [aws, spot] }, { width: 70, height: 10, until: 30 * DAY });
  assert.match(chart, /aws on-demand/);
  assert.match(chart, /aws spot/);
});
