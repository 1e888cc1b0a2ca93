import { OFFER_SORTS, type OfferSort } from '@berth/core/offer';
import { Option } from 'commander';
import { defineCommand, withJson } from '../../command.ts';
import { withCatalogTool } from '../../market/catalog-tool.ts';
import { type FilterOptions, filterBody, flagsOfFilters, withFilter } from '../../market/filter-options.ts';
import { printJson } from '../../output/json.ts';
import { formatMarket, formatObstacles, formatSourceNotes } from '../../output/market.ts';
import { parseCount } from '../../output/parse-option.ts';
import { print, say } from '../../output/write.ts';

interface Options extends FilterOptions {
  readonly sort?: OfferSort;
  readonly limit?: number;
  readonly after?: string;
  readonly json?: true;
}

export default defineCommand<Options>({
  define: (parser) =>
    withJson(
      withFilter(parser)
        .addOption(new Option('--sort <price>', 'by which price').choices(OFFER_SORTS))
        .option('--limit <number>', 'how many to show', parseCount)
        .option('--after <next>', 'go on where an answer ended: its `next`'),
    ),
  usesProject: false,
  examples: [
    'berth catalog query --gpu H100:8 --sort price-per-gpu',
    'berth catalog query --instance-type "p5*" --json',
  ],
  async run(context, options) {
    const { sort, limit = 20, after } = options;
    const body = {
      ...filterBody(options),
      limit,
      ...(sort === undefined ? {} : { sort }),
      ...(after === undefined ? {} : { after }),
    };
    const answer = await withCatalogTool(context, (tool) => tool.query(body));
    if (options.json === true) {
      printJson(answer);
      return;
    }
    const now = Date.now();
    const table =
      answer.total === 0
        ? formatObstacles(answer.obstacles, flagsOfFilters(options))
        : formatMarket(answer.offers, { now });
    const more = answer.next === null ? '' : `\n… of ${answer.total} offers; \`--limit\` shows more of them`;
    print(`${table}${more}\n`);
    const notes = formatSourceNotes(answer.sources, now);
    if (notes !== '') say(`${notes}\n`);
  },
});
