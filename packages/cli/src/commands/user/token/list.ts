import type { TokenView } from '@berth/core/api-schemas';
import { defineCommand, withJson } from '../../../command.ts';
import { age, timestamp } from '../../../output/format.ts';
import { printJson } from '../../../output/json.ts';
import { type Column, formatTable, terminalWidth } from '../../../output/table.ts';
import { print } from '../../../output/write.ts';
import { tokenOwner } from '../../../token-owner.ts';

interface Options {
  readonly user?: string;
  readonly json?: true;
}

export default defineCommand<Options>({
  usesProject: false,
  define: (parser) => withJson(parser.option('--user <name>', 'whose; your own when left out')),
  async run(context, options) {
    const client = await context.client();
    const tokens = await client.call('token.list', { params: { user: await tokenOwner(client, options.user) } });
    if (options.json === true) {
      printJson(tokens);
      return;
    }
    const now = Date.now();
    const columns: readonly Column<TokenView>[] = [
      { title: 'ID', value: (token) => token.id },
      { title: 'NAME', value: (token) => token.name, min: 8 },
      { title: 'BEGINS WITH', value: (token) => `${token.prefix}…`, dispensable: 1 },
      { title: 'SCOPE', value: (token) => token.scope },
      { title: 'PROJECT', value: (token) => token.project ?? 'all', min: 6 },
      { title: 'EXPIRES', value: (token) => (token.expires_at === null ? 'never' : timestamp(token.expires_at)) },
      {
        title: 'LAST USED',
        value: (token) => (token.last_used_at === null ? 'never' : age(token.last_used_at, now)),
        align: 'right',
      },
    ];
    print(tokens.length === 0 ? 'There are no tokens.\n' : `${formatTable(columns, tokens, terminalWidth())}\n`);
  },
});
