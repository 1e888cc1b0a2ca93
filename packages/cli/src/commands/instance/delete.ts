import { defineCommand } from '../../command.ts';
import { deleteEach } from '../../delete-each.ts';

export default defineCommand<{ readonly yes?: true }, [instances: string[]]>({
  define: (parser) => parser.argument('<instance...>', 'names or ids').option('-y, --yes', 'do not ask'),
  async run(context, options, instances) {
    const client = await context.client();
    return deleteEach(instances, {
      question: (names) => `Give ${names} back?`,
      yes: options.yes === true,
      remove: (instance) => client.call('instance.delete', { params: { instance } }),
      done: 'being given back',
    });
  },
});
