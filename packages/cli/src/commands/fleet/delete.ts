import { defineCommand } from '../../command.ts';
import { deleteEach } from '../../delete-each.ts';

export default defineCommand<{ readonly yes?: true }, [fleets: string[]]>({
  define: (parser) => parser.argument('<fleet...>', 'names or ids').option('-y, --yes', 'do not ask'),
  async run(context, options, fleets) {
    const client = await context.client();
    return deleteEach(fleets, {
      question: (names) => `Delete ${names} and give the machines back?`,
      yes: options.yes === true,
      remove: (fleet) => client.call('fleet.delete', { params: { fleet } }),
      done: 'being deleted',
    });
  },
});
