import { defineCommand } from '../../../command.ts';
import { deleteEach } from '../../../delete-each.ts';
import { tokenOwner } from '../../../token-owner.ts';

interface Options {
  readonly user?: string;
  readonly yes?: true;
}

export default defineCommand<Options, [ids: string[]]>({
  usesProject: false,
  define: (parser) =>
    parser
      .argument('<id...>', 'as `berth user token list` shows them')
      .option('--user <name>', 'whose; your own when left out')
      .option('-y, --yes', 'do not ask'),
  async run(context, options, ids) {
    const client = await context.client();
    const user = await tokenOwner(client, options.user);
    return deleteEach(ids, {
      question: (list) => `Make ${list} worthless?`,
      yes: options.yes === true,
      remove: (token) => client.call('token.revoke', { params: { user, token } }),
      done: 'revoked',
    });
  },
});
