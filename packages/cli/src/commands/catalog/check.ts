import { defineCommand, withJson } from '../../command.ts';
import { withCatalogTool } from '../../market/catalog-tool.ts';
import { formatChecks } from '../../output/catalog.ts';
import { EXIT_FAILURE } from '../../output/error.ts';
import { printJson } from '../../output/json.ts';
import { print } from '../../output/write.ts';

/** Exit code 1 when a source does not pass. */
export default defineCommand<{ readonly json?: true }, [what: readonly string[]]>({
  define: (parser) =>
    withJson(parser.argument('[what...]', 'collected sources or CSV files; without any, all collected')),
  usesProject: false,
  examples: ['berth catalog check', 'berth catalog check aws', 'berth catalog check ./aws.csv'],
  async run(context, options, what) {
    const reports = await withCatalogTool(context, (tool) => tool.check(what));
    if (options.json === true) printJson(reports);
    else print(reports.length === 0 ? 'Nothing was collected yet.\n' : `${formatChecks(reports)}\n`);
    return reports.every(({ ok }) => ok) ? 0 : EXIT_FAILURE;
  },
});
