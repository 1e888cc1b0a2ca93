import type { MarketView } from '@berth/core/api-catalog';
import { OFFER_GROUP_KEYS, OFFER_SORTS, type OfferGroupKey, type OfferSort } from '@berth/core/offer';
import { Option } from 'commander';
import { defineCommand, withJson } from '../command.ts';
import type { Context } from '../context.ts';
import { type FilterOptions, filterBody, flagsOfFilters, withFilter } from '../market/filter-options.ts';
import { POPULAR } from '../market/popular.ts';
import { plural } from '../output/format.ts';
import { printJson } from '../output/json.ts';
import { formatGpus, formatGroups, formatMarket, formatObstacles, formatSourceNotes } from '../output/market.ts';
import { collect, parseCount } from '../output/parse-option.ts';
import { print, say } from '../output/write.ts';
import { usageError } from '../usage-error.ts';

interface Options extends FilterOptions {
  readonly sort?: OfferSort;
  readonly groupBy?: readonly string[];
  readonly limit?: number;
  readonly maxOffers?: number;
  readonly configured?: true;
  readonly json?: true;
}

/** As many as fit on a screen. */
const SHOWN = 20;

export default defineCommand<Options>({
  define: (parser) =>
    withJson(
      withFilter(parser)
        .option('--configured', 'only what this project can use')
        .addOption(new Option('--sort <price>', 'by which price').choices(OFFER_SORTS))
        .option('--group-by <keys>', 'gpu, backend, region, count: groups instead of offers', collect)
        .option('--limit <number>', 'how many to show', parseCount)
        .addOption(new Option('--max-offers <number>', 'the same').argParser(parseCount).hideHelp()),
    ),
  examples: [
    'berth offer',
    'berth offer --gpu H100:8 --cpu 16.. --memory 64GB.. --max-price 30',
    'berth offer --gpu A100:80GB:1..4 --spot --region us-east-1 --sort price-per-gpu',
    'berth offer --gpu 24GB.. --country DE --exclude-backend vastai --max-age 6h',
    'berth offer --gpu 1.. --group-by gpu,backend',
    'berth offer --configured --json',
  ],
  async run(context, options) {
    const { json, configured, sort } = options;
    const filter = filterBody(options);
    const groupBy = groupKeys(options.groupBy);
    const limit = options.limit ?? options.maxOffers;
    const asked = Object.keys(filter).length > 0 || configured || sort !== undefined || groupBy !== undefined;
    if (!asked && limit === undefined && json !== true) {
      await overview(context);
      return;
    }
    const client = await context.client();
    const answer = await client.call('offer.market', {
      body: {
        ...filter,
        limit: limit ?? SHOWN,
        ...(configured === undefined ? {} : { configured }),
        ...(sort === undefined ? {} : { sort }),
        ...(groupBy === undefined ? {} : { group_by: groupBy }),
      },
    });
    if (json === true) {
      printJson(answer);
      return;
    }
    print(`${describeAnswer(answer, limit ?? SHOWN, options)}\n`);
    tellSources(answer.sources);
  },
});

function describeAnswer(answer: MarketView, limit: number, filter: FilterOptions): string {
  if (answer.total === 0) return formatObstacles(answer.obstacles, flagsOfFilters(filter));
  if (answer.groups !== null) {
    const more = answer.groups.length - limit;
    const table = formatGroups(answer.groups.slice(0, limit));
    return more > 0 ? `${table}\n… and ${plural(more, 'more group')}; \`--limit\` shows more of them` : table;
  }
  const table = formatMarket(answer.offers, { now: Date.now(), configured: answer.configured });
  const more = answer.total - answer.offers.length;
  return more > 0 ? `${table}\n… and ${plural(more, 'more offer')}; \`--limit\` shows more of them` : table;
}

/** What somebody wants to see who does not know yet what to ask for. */
async function overview(context: Context): Promise<void> {
  const client = await context.client();
  const [own, { gpus, sources }] = await Promise.all([
    client.call('offer.market', { body: { configured: true, limit: 5 } }),
    client.call('catalog.gpus'),
  ]);
  const popular = POPULAR.flatMap((name) => gpus.find((gpu) => gpu.name === name && gpu.offers > 0) ?? []);
  if (own.offers.length > 0) {
    print(`${formatMarket(own.offers, { now: Date.now() })}\n`);
    const more = own.total - own.offers.length;
    print(more > 0 ? `… and ${plural(more, 'more offer')} that this project can use (\`--configured\`)\n\n` : '\n');
  }
  if (popular.length > 0) print(`${formatGpus(popular)}\n\n`);
  print(
    'Prices are from, per GPU and hour. Go on with `berth offer --gpu H100:8`; `berth gpus` lists every accelerator.\n',
  );
  tellSources(sources);
}

function tellSources(sources: MarketView['sources']): void {
  const notes = formatSourceNotes(sources, Date.now());
  if (notes !== '') say(`${notes}\n`);
}

function groupKeys(given: readonly string[] | undefined): OfferGroupKey[] | undefined {
  if (given === undefined) return undefined;
  return given
    .flatMap((text) => text.split(','))
    .map((word) => {
      const key = OFFER_GROUP_KEYS.find((known) => known === word.trim());
      if (key !== undefined) return key;
      throw usageError(
        `--group-by: \`${word}\` is nothing to group by`,
        `write one or more of ${OFFER_GROUP_KEYS.join(', ')}`,
      );
    });
}
