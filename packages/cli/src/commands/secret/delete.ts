import { defineCommand } from '../../command.ts';
import { deleteEach } from '../../delete-each.ts';

export default defineCommand<{ readonly yes?: true }, [names: string[]]>({
  define: (parser) => parser.argument('<name...>').option('-y, --yes', 'do not ask'),
  async run(context, options, names) {
    const client = await context.client();
    return deleteEach(names, {
      question: (list) => `Delete ${list}?`,
      yes: options.yes === true,
      remove: (secret) => client.call('secret.delete', { params: { secret } }),
    });
  },
});
