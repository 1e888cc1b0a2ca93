import { defineCommand } from '../../command.ts';
import { deleteEach } from '../../delete-each.ts';

export default defineCommand<{ readonly yes?: true }, [secrets: string[]]>({
  define: (parser) => parser.argument('<secret...>', 'names').option('-y, --yes', 'do not ask'),
  async run(context, options, secrets) {
    const client = await context.client();
    return deleteEach(secrets, {
      question: (list) => `Delete ${list}?`,
      yes: options.yes === true,
      remove: (secret) => client.call('secret.delete', { params: { secret } }),
    });
  },
});
