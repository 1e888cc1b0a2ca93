import { defineCommand, withJson } from '../../command.ts';
import { withCatalogTool } from '../../market/catalog-tool.ts';
import { formatCollected } from '../../output/catalog.ts';
import { EXIT_FAILURE } from '../../output/error.ts';
import { printJson } from '../../output/json.ts';
import { formatTable, terminalWidth } from '../../output/table.ts';
import { print } from '../../output/write.ts';
import { usageError } from '../../usage-error.ts';

interface Options {
  readonly all?: true;
  readonly list?: true;
  readonly acceptMovedPrices?: true;
  readonly json?: true;
}

/** Exit code 1 when a source failed; it keeps what it had. */
export default defineCommand<Options, [sources: readonly string[]]>({
  define: (parser) =>
    withJson(
      parser
        .argument('[source...]', 'types of backends, for example aws')
        .option('--all', 'every source that needs no credentials, or has them')
        .option('--accept-moved-prices', 'take a list whose prices all moved alike, which may be another unit')
        .option('--list', 'show which there are, and collect nothing'),
    ),
  usesProject: false,
  examples: [
    'berth catalog collect --list',
    'berth catalog collect aws runpod',
    'BERTH_CATALOG_LAMBDA_API_KEY=… berth catalog collect lambda',
  ],
  async run(context, options, sources) {
    if (options.list === true) {
      const known = await withCatalogTool(context, (tool) => tool.sources());
      if (options.json === true) printJson(known);
      else {
        const columns = [
          { title: 'SOURCE', value: (row: (typeof known)[number]) => row.name },
          { title: 'KIND', value: (row: (typeof known)[number]) => row.kind },
          { title: 'CREDENTIALS', value: (row: (typeof known)[number]) => row.credentials },
          { title: 'CLOUD', value: (row: (typeof known)[number]) => row.title, min: 8, dispensable: 1 },
        ];
        print(`${formatTable(columns, known, terminalWidth())}\n`);
      }
      return 0;
    }
    if (sources.length === 0 && options.all !== true) {
      throw usageError('no source was named', 'name some, or all with --all; `--list` shows which there are');
    }
    if (sources.length > 0 && options.all === true) throw usageError('--all and names exclude each other');
    const acceptMovedList = options.acceptMovedPrices === true;
    if (acceptMovedList && options.all === true) throw usageError('--accept-moved-prices is said of named sources');
    const reports = await withCatalogTool(context, (tool) => tool.collect(sources, { acceptMovedList }));
    if (options.json === true) printJson(reports);
    else print(`${formatCollected(reports)}\n`);
    return reports.every(({ ok }) => ok) ? 0 : EXIT_FAILURE;
  },
});
