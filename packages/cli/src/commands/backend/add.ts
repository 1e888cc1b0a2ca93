import { terminalAsker } from '../../backend/asker.ts';
import { defineCommand } from '../../command.ts';
import { collect } from '../../output/parse-option.ts';
import { printable } from '../../output/printable.ts';
import { print } from '../../output/write.ts';
import { usageError } from '../../usage-error.ts';

interface Options {
  readonly type?: string;
  readonly set?: readonly string[];
  readonly credentials?: string;
  readonly credentialsFile?: string;
  readonly replace?: true;
  readonly yes?: true;
}

export default defineCommand<Options, [name: string]>({
  define: (parser) =>
    parser
      .argument('<name>', 'how the project calls it')
      .option('--type <type>', 'which cloud, as `berth backend types` shows them; the name when that is one')
      .option('--set <key=value>', 'a field, lists with commas; may be repeated; no secrets', collect)
      .option('--credentials <kind>', 'which kind of credentials')
      .option('--credentials-file <file>', 'YAML or JSON with their fields, or one secret alone; - for standard input')
      .option('--replace', 'put it in the place of one of the same name; the old one stays until this one works')
      .option('-y, --yes', 'do not ask whether to store it'),
  examples: [
    'berth backend add lambda',
    'berth backend add research --type aws --set regions=eu-west-1,eu-west-2',
    'berth backend add lambda --credentials-file - < key.txt',
  ],
  async run(context, options, name) {
    const client = await context.client();
    const [types, backends] = await Promise.all([client.call('backend.types'), client.call('backend.list')]);
    const asker = await terminalAsker();
    const present = backends.find((one) => one.name === name && one.source !== null && one.status !== 'removed');
    if (present !== undefined && options.replace !== true) {
      throw usageError(`there is a backend \`${name}\` already`, 'put another one in its place with `--replace`');
    }
    const { fillIn } = await import('../../backend/wizard.ts');
    const { readCredentials } = await import('../../backend/credentials-file.ts');
    const { credentialsFile, set = [] } = options;
    const isSame = present !== undefined && (options.type ?? present.type) === present.type;
    const before = isSame ? await client.call('backend.get', { params: { backend: name } }) : null;
    const given = {
      name,
      type: options.type ?? present?.type ?? null,
      config: before?.config ?? {},
      set,
      kind: options.credentials ?? null,
      credentials: credentialsFile === undefined ? null : await readCredentials(credentialsFile),
    };
    const submission = await fillIn(given, {
      types,
      asker,
      choices: (body) => client.call('backend.choices', { params: { backend: name }, body }),
    });
    if (asker !== null && options.yes !== true) {
      const { confirm } = await import('../../output/confirm.ts');
      if (!(await confirm(present === undefined ? `Store ${name}?` : `Replace ${name}?`))) return 1;
    }
    const { account } = await client.call('backend.put', { params: { backend: name }, body: submission });
    const done = present === undefined ? 'added' : 'replaced';
    print(`${name}: ${done}${account === null ? '' : ` (account ${printable(account)})`}\n`);
    return 0;
  },
});
