import type { CatalogHistoryView } from '@berth/core/api-catalog';
import { Option } from 'commander';
import { defineCommand, withJson } from '../../command.ts';
import { withCatalogTool } from '../../market/catalog-tool.ts';
import { formatHistory } from '../../output/catalog.ts';
import { printJson } from '../../output/json.ts';
import { parseSince } from '../../output/parse-since.ts';
import { terminalWidth } from '../../output/table.ts';
import { print } from '../../output/write.ts';

/** What fits above the table on a small terminal. */
const CHART_LINES = 14;
/** A chart is never narrower, so a narrower terminal would break its lines. */
const CHART_COLUMNS = 30;

/** One price alone is no course. */
function hasCourse({ series }: CatalogHistoryView): boolean {
  return series.some(({ points }) => points.length > 1);
}

interface Options {
  readonly spot?: true;
  readonly onDemand?: true;
  readonly since?: number;
  readonly json?: true;
}

export default defineCommand<Options, [gpu: string]>({
  define: (parser) =>
    withJson(
      parser
        .argument('<gpu>', 'an accelerator, for example H100')
        .addOption(new Option('--spot', 'only spot prices').conflicts('onDemand'))
        .addOption(new Option('--on-demand', 'only on-demand prices').conflicts('spot'))
        .option('--since <time>', 'a duration like 30d, or a time', parseSince),
    ),
  usesProject: false,
  examples: ['berth catalog history H100', 'berth catalog history A100-80GB --spot --since 90d'],
  async run(context, options, gpu) {
    const capacityType = options.spot ? 'spot' : options.onDemand ? 'on-demand' : null;
    const now = Date.now();
    const width = terminalWidth();
    const { history, chart } = await withCatalogTool(context, async (tool) => {
      const found = await tool.history(gpu, { capacityType, since: options.since ?? null });
      // A pipe gets the table alone, in which a line of blocks is the chart.
      const isDrawn = options.json !== true && width !== null && width >= CHART_COLUMNS && hasCourse(found);
      const size = { width: width ?? 0, height: CHART_LINES, until: now };
      return { history: found, chart: isDrawn ? tool.drawHistory(found, size) : null };
    });
    if (options.json === true) printJson(history);
    else print(`${formatHistory(history, now, chart)}\n`);
  },
});
