import { CATALOG_FORMATS, type CatalogFormat } from '@berth/core/catalog-tool';
import { Option } from 'commander';
import { defineCommand } from '../../command.ts';
import { withCatalogTool } from '../../market/catalog-tool.ts';
import { type FilterOptions, filterBody, withFilter } from '../../market/filter-options.ts';
import { plural } from '../../output/format.ts';
import { say } from '../../output/write.ts';

interface Options extends FilterOptions {
  readonly format: CatalogFormat;
}

export default defineCommand<Options, [file: string]>({
  define: (parser) =>
    withFilter(
      parser
        .argument('<file>', 'the CSV file; it is replaced')
        .addOption(new Option('--format <name>', 'how it is written').choices(CATALOG_FORMATS).makeOptionMandatory()),
    ),
  usesProject: false,
  examples: ['berth catalog export aws.csv --format gpuhunt --backend aws'],
  async run(context, options, file) {
    const query = filterBody(options);
    const rows = await withCatalogTool(context, (tool) => tool.export(file, { format: options.format, query }));
    say(`${plural(rows, 'row')} written to ${file}\n`);
  },
});
