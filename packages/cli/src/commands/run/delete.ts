import { defineCommand } from '../../command.ts';
import { deleteEach } from '../../delete-each.ts';

export default defineCommand<{ readonly yes?: true }, [runs: string[]]>({
  define: (parser) => parser.argument('<run...>', 'names or ids of finished runs').option('-y, --yes', 'do not ask'),
  async run(context, options, runs) {
    const client = await context.client();
    return deleteEach(runs, {
      question: (names) => `Delete ${names} with logs and artifacts?`,
      yes: options.yes === true,
      remove: (run) => client.call('run.delete', { params: { run } }),
    });
  },
});
