import { defineCommand, withJson } from '../command.ts';
import { printJson } from '../output/json.ts';
import { formatOffers, formatSources } from '../output/offers.ts';
import { parseCount } from '../output/parse-option.ts';
import { print, say } from '../output/write.ts';
import { offerConfiguration, type PlacementOptions, withPlacement, withResources } from '../placement-options.ts';

interface Options extends PlacementOptions {
  readonly maxOffers?: number;
  readonly json?: true;
}

/** As many as fit on a screen. */
const SHOWN = 20;

export default defineCommand<Options>({
  define: (parser) =>
    withJson(withPlacement(withResources(parser)).option('--max-offers <number>', 'how many to show', parseCount)),
  examples: [
    'berth offer --gpu A100:80GB:2..4',
    'berth offer --cpu 8.. --memory 32GB.. --max-price 1.5',
    'berth offer --gpu H100 --spot --json',
  ],
  async run(context, options) {
    const client = await context.client();
    const configuration = await offerConfiguration(options);
    const answer = await client.call('offer.list', { body: { configuration, limit: options.maxOffers ?? SHOWN } });
    if (options.json === true) {
      printJson(answer);
      return;
    }
    print(`${formatOffers(answer)}\n`);
    const problems = formatSources(answer.sources);
    if (problems !== '') say(`${problems}\n`);
  },
});
