import { defineCommand, withJson } from '../../command.ts';
import { withCatalogTool } from '../../market/catalog-tool.ts';
import { formatDiff } from '../../output/catalog.ts';
import { printJson } from '../../output/json.ts';
import { print } from '../../output/write.ts';

export default defineCommand<{ readonly json?: true }, [before?: string, after?: string]>({
  define: (parser) =>
    withJson(
      parser
        .argument('[before]', '`pulled`, `collected`, `starter`, a published folder or a CSV file', 'pulled')
        .argument('[after]', 'the same', 'collected'),
    ),
  usesProject: false,
  examples: ['berth catalog diff', 'berth catalog diff /srv/prices collected --json'],
  async run(context, options, before = 'pulled', after = 'collected') {
    const diff = await withCatalogTool(context, (tool) => tool.diff(before, after));
    if (options.json === true) printJson(diff);
    else print(`${formatDiff(diff)}\n`);
  },
});
