import { CATALOG_FORMATS, type CatalogFormat } from '@berth/core/catalog-tool';
import { Option } from 'commander';
import { defineCommand, withJson } from '../../command.ts';
import { withCatalogTool } from '../../market/catalog-tool.ts';
import { formatCollected } from '../../output/catalog.ts';
import { EXIT_FAILURE } from '../../output/error.ts';
import { printJson } from '../../output/json.ts';
import { print } from '../../output/write.ts';

interface Options {
  readonly format: CatalogFormat;
  readonly as?: string;
  readonly json?: true;
}

export default defineCommand<Options, [file: string]>({
  define: (parser) =>
    withJson(
      parser
        .argument('<file>', 'the CSV file')
        .addOption(new Option('--format <name>', 'how it is written').choices(CATALOG_FORMATS).makeOptionMandatory())
        .option('--as <backend>', 'whose offers these are; otherwise the name of the file'),
    ),
  usesProject: false,
  examples: [
    'berth catalog import aws.csv --format gpuhunt',
    'berth catalog import vms.csv --format skypilot --as gcp',
    'berth catalog import prices.csv --format csv --as mycloud',
  ],
  async run(context, options, file) {
    const report = await withCatalogTool(context, (tool) =>
      tool.import(file, { format: options.format, backend: options.as ?? null }),
    );
    if (options.json === true) printJson(report);
    else print(`${formatCollected([report])}\n`);
    return report.ok ? 0 : EXIT_FAILURE;
  },
});
