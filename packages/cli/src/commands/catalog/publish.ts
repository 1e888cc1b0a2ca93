import { defineCommand, withJson } from '../../command.ts';
import { withCatalogTool } from '../../market/catalog-tool.ts';
import { EXIT_FAILURE } from '../../output/error.ts';
import { printJson } from '../../output/json.ts';
import { collect } from '../../output/parse-option.ts';
import { printableLine } from '../../output/printable.ts';
import { styled, styledError } from '../../output/style.ts';
import { print, say } from '../../output/write.ts';

interface Options {
  readonly key?: string;
  readonly source?: readonly string[];
  readonly json?: true;
}

/** Exit code 1 when a source could not be published; it keeps what it had. */
export default defineCommand<Options, [to: string]>({
  define: (parser) =>
    withJson(
      parser
        .argument('<to>', 'a folder, or the address of storage that takes HTTP PUT')
        .option('--key <file>', 'the private key; otherwise BERTH_CATALOG_KEY holds it')
        .option('--source <name>', 'only this one; may be repeated', collect),
    ),
  usesProject: false,
  examples: ['berth catalog publish /srv/prices --key catalog.pem', 'berth catalog publish ./prices --source aws'],
  async run(context, options, to) {
    const report = await withCatalogTool(context, (tool) =>
      tool.publish(to, { key: options.key ?? null, sources: options.source ?? [] }),
    );
    if (options.json === true) printJson(report);
    else {
      if (report.published.length > 0)
        print(`${styled('green', '✓')} version ${report.version}: ${report.published.join(', ')}\n`);
      for (const { source, reason } of report.failed)
        print(`${styled('red', '✗')} ${source}: ${printableLine(reason)}; its last version stays\n`);
      if (!report.signed)
        say(
          `${styledError('yellow', 'warning:')} it is not signed; only \`berth catalog pull\` of a folder takes it\n`,
        );
    }
    return report.failed.length === 0 ? 0 : EXIT_FAILURE;
  },
});
