import { defineCommand, withJson } from '../../command.ts';
import { withCatalogTool } from '../../market/catalog-tool.ts';
import { printJson } from '../../output/json.ts';
import { printableLine } from '../../output/printable.ts';
import { print } from '../../output/write.ts';

interface Options {
  readonly json?: true;
}

export default defineCommand<Options, [sources: readonly string[]]>({
  define: (parser) => withJson(parser.argument('<source...>', 'names, as `berth catalog status` shows them')),
  usesProject: false,
  examples: ['berth catalog remove my-prices'],
  async run(context, options, sources) {
    const removed = await withCatalogTool(context, (tool) => tool.remove(sources));
    if (options.json === true) printJson({ removed });
    else print(`Removed ${removed.map((name) => printableLine(name)).join(', ')}.\n`);
  },
});
