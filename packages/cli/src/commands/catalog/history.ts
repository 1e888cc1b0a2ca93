import { Option } from 'commander';
import { defineCommand, withJson } from '../../command.ts';
import { withCatalogTool } from '../../market/catalog-tool.ts';
import { formatHistory } from '../../output/catalog.ts';
import { printJson } from '../../output/json.ts';
import { parseSince } from '../../output/parse-since.ts';
import { print } from '../../output/write.ts';

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
    const history = await withCatalogTool(context, (tool) =>
      tool.history(gpu, { capacityType, since: options.since ?? null }),
    );
    if (options.json === true) printJson(history);
    else print(`${formatHistory(history, Date.now())}\n`);
  },
});
