import { defineCommand, withJson } from '../command.ts';
import { printJson } from '../output/json.ts';
import { formatGpus, formatSourceNotes } from '../output/market.ts';
import { print, say } from '../output/write.ts';

interface Options {
  readonly all?: true;
  readonly json?: true;
}

export default defineCommand<Options>({
  define: (parser) => withJson(parser.option('-a, --all', 'also those that nobody sells')),
  examples: ['berth gpus', 'berth gpus --json'],
  async run(context, options) {
    const client = await context.client();
    const answer = await client.call('catalog.gpus');
    const gpus = options.all === true ? answer.gpus : answer.gpus.filter(({ offers }) => offers > 0);
    if (options.json === true) {
      printJson({ ...answer, gpus });
      return;
    }
    print(gpus.length === 0 ? 'Nobody that is known sells an accelerator.\n' : `${formatGpus(gpus)}\n`);
    const notes = formatSourceNotes(answer.sources, Date.now());
    if (notes !== '') say(`${notes}\n`);
  },
});
