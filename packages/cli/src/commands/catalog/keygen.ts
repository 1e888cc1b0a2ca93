import { defineCommand, withJson } from '../../command.ts';
import { withCatalogTool } from '../../market/catalog-tool.ts';
import { printJson } from '../../output/json.ts';
import { print, say } from '../../output/write.ts';

export default defineCommand<{ readonly json?: true }, [file: string]>({
  define: (parser) => withJson(parser.argument('[file]', 'where the private key goes', 'catalog.pem')),
  usesProject: false,
  examples: ['berth catalog keygen catalog.pem'],
  async run(context, options, file) {
    const key = await withCatalogTool(context, (tool) => tool.keygen(file));
    if (options.json === true) {
      printJson(key);
      return;
    }
    print(`${key.publicKey}\n`);
    say(`That is the public key: readers name it as \`public_key\`. The private one is in ${key.file}; keep it.\n`);
  },
});
