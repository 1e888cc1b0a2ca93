import { defineCommand, withJson } from '../../command.ts';
import { withCatalogTool } from '../../market/catalog-tool.ts';
import { EXIT_FAILURE } from '../../output/error.ts';
import { plural } from '../../output/format.ts';
import { printJson } from '../../output/json.ts';
import { printableLine } from '../../output/printable.ts';
import { styled } from '../../output/style.ts';
import { print } from '../../output/write.ts';

interface Options {
  readonly publicKey?: string;
  readonly json?: true;
}

/** Exit code 1 when a catalog could not be had; what was there before still answers. */
export default defineCommand<Options, [from?: string]>({
  define: (parser) =>
    withJson(
      parser
        .argument('[from]', 'its address or folder; without it, those that config.yml names')
        .option('--public-key <key>', 'of the publisher, as `berth catalog keygen` prints it'),
    ),
  usesProject: false,
  examples: ['berth catalog pull', 'berth catalog pull https://prices.example.com --public-key berth-ed25519:…'],
  async run(context, options, from) {
    const results = await withCatalogTool(context, (tool) =>
      tool.pull(from ?? null, { publicKey: options.publicKey ?? null }),
    );
    const failed = results.some(({ state, problems }) => state === 'failed' || problems.length > 0);
    if (options.json === true) printJson(results);
    else {
      for (const { from: base, state, version, changed, removed, problems } of results) {
        const mark = state === 'failed' ? styled('red', '✗') : styled('green', '✓');
        const what = [
          ...(changed.length > 0 ? [`new: ${changed.join(', ')}`] : []),
          ...(removed.length > 0 ? [`gone: ${removed.join(', ')}`] : []),
        ];
        const told = state === 'unchanged' ? 'nothing has changed' : state === 'failed' ? 'failed' : what.join('; ');
        print(`${mark} ${base}${version === null ? '' : ` (version ${version})`}: ${told}\n`);
        for (const { source, reason } of problems)
          print(`    ${source === null ? '' : `${source}: `}${printableLine(reason)}\n`);
      }
      if (results.length > 1) print(`${plural(results.length, 'catalog')}\n`);
    }
    return failed ? EXIT_FAILURE : 0;
  },
});
