import { defineCommand, withJson } from '../../command.ts';
import { withCatalogTool } from '../../market/catalog-tool.ts';
import { formatStatus } from '../../output/catalog.ts';
import { printJson } from '../../output/json.ts';
import { print } from '../../output/write.ts';

export default defineCommand<{ readonly json?: true }>({
  define: withJson,
  usesProject: false,
  examples: ['berth catalog status', 'berth catalog status --json'],
  async run(context, options) {
    const status = await withCatalogTool(context, (tool) => tool.status());
    if (options.json === true) printJson(status);
    else print(`${formatStatus(status, Date.now())}\n`);
  },
});
