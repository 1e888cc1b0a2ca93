import { defineCommand } from '../../../command.ts';
import { deleteEach } from '../../../delete-each.ts';

export default defineCommand<{ readonly yes?: true }, [user: string]>({
  define: (parser) => parser.argument('<user>').option('-y, --yes', 'do not ask'),
  async run(context, options, user) {
    const client = await context.client();
    return deleteEach([user], {
      question: (name) => `Let ${name} into the project no more?`,
      yes: options.yes === true,
      remove: () => client.call('member.delete', { params: { user } }),
      done: 'removed',
    });
  },
});
