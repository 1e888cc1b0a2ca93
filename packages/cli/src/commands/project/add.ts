import { createClient } from '@berth/client/client';
import { BerthError } from '@berth/core/errors';
import { defineCommand } from '../../command.ts';
import { readConfig } from '../../connection/config-file.ts';
import { checkToken, explainRefusedToken } from '../../connection/refused-token.ts';
import { print } from '../../output/write.ts';
import { usageError } from '../../usage-error.ts';

interface Options {
  readonly name: string;
  readonly url: string;
  readonly token?: string;
  readonly default?: boolean;
  readonly check: boolean;
}

export default defineCommand<Options>({
  usesProject: false,
  define: (parser) =>
    parser
      .requiredOption('--name <name>', 'the project')
      .requiredOption('--url <url>', 'its server, for example https://berth.example')
      .option('--token <token>', 'better left out and typed, or piped: other users can see the words of a command')
      .option('--default', 'use it when no project is named; the first one always is')
      .option('--no-check', 'do not ask the server whether it knows project and token'),
  examples: ['berth project add --name team --url https://berth.example --default < token.txt'],
  async run(context, options) {
    if (!URL.canParse(options.url) || !/^https?:$/.test(new URL(options.url).protocol)) {
      throw usageError(`\`${options.url}\` is not a URL`, 'write, for example, https://berth.example');
    }
    const url = options.url.replace(/\/+$/, '');
    const token = (options.token ?? (await readToken())).trim();
    if (token === '') throw usageError('the token is empty', '`berth user token create` on that server makes one');
    const tokenFrom = { kind: 'given' } as const;
    checkToken(token, url, tokenFrom);
    if (options.check) {
      const client = createClient({ url, token });
      try {
        await client.call('project.get', { params: { project: options.name } });
      } catch (error) {
        const refused = error instanceof BerthError && error.code === 'unauthenticated';
        throw refused ? explainRefusedToken(error, { url, tokenFrom }) : error;
      } finally {
        client.close();
      }
    }
    const isFirst = (await readConfig(context.home.config)).length === 0;
    const { editConfig } = await import('../../connection/edit-config.ts');
    editConfig(context.home.config, (projects) => {
      projects.put({ name: options.name, url, token, isDefault: options.default === true || isFirst });
    });
    print(`${options.name}: added to ${context.home.config}\n`);
  },
});

async function readToken(): Promise<string> {
  if (!process.stdin.isTTY) {
    const { text } = await import('node:stream/consumers');
    return text(process.stdin);
  }
  const { ask } = await import('../../output/confirm.ts');
  return ask('Token (not shown): ', { hidden: true });
}
