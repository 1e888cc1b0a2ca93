import { relative } from 'node:path';
import { withBackendTool } from '../../backend-tool.ts';
import { defineCommand, withJson } from '../../command.ts';
import { printJson } from '../../output/json.ts';
import { print } from '../../output/write.ts';
import { usageError } from '../../usage-error.ts';

interface Options {
  readonly kind?: string;
  readonly catalog?: string;
  readonly out?: string;
  readonly json?: true;
}

export default defineCommand<Options, [title: string]>({
  define: (parser) =>
    withJson(
      parser
        .argument('<name>', 'the cloud, as people write it: FluffyCloud')
        .option('--kind <kind>', 'what it gives: vm (machines) or container')
        .option('--catalog <catalog>', 'its prices: offline (a list that is collected) or online (asked when needed)')
        .option('--out <dir>', 'where the folder goes, instead of backends/ of this clone or the current directory'),
    ),
  usesProject: false,
  examples: [
    'berth backend new FluffyCloud --kind vm',
    'berth backend new "Acme GPU" --kind container --catalog online',
  ],
  async run(context, options, title) {
    const kind = oneOf('--kind', options.kind, ['vm', 'container']);
    const catalog = oneOf('--catalog', options.catalog ?? 'offline', ['offline', 'online']);
    const what = { title, kind, catalog, out: options.out ?? null };
    const made = await withBackendTool(context, (tool) => tool.create(what));
    if (options.json === true) {
      printJson(made);
      return 0;
    }
    const dir = relative(process.cwd(), made.dir) || '.';
    const steps = [
      ...made.before.map((command) => `(cd ${dir} && ${command})`),
      `berth backend check ${made.checkName}`,
    ];
    print(`${dir}: ${made.files.length} files\n${made.files.map((file) => `  ${file}`).join('\n')}\n\n`);
    print(`Nothing of the cloud is in it yet; this says what is to be done, rule by rule:\n\n`);
    print(`${steps.map((step) => `  ${step}`).join('\n')}\n`);
    return 0;
  },
});

function oneOf<Word extends string>(flag: string, given: string | undefined, words: readonly Word[]): Word {
  const found = words.find((word) => word === given);
  if (found !== undefined) return found;
  if (given === undefined) throw usageError(`${flag} is missing`, `it is ${words.join(' or ')}`);
  throw usageError(`${flag} cannot be "${given}"`, `it is ${words.join(' or ')}`);
}
