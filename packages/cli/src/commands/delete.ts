import { defineCommand } from '../command.ts';
import { parseConfigurationText, readConfigurationFile } from '../configuration-file.ts';
import { deleteEach } from '../delete-each.ts';
import { usageError } from '../usage-error.ts';

interface Options {
  readonly file?: string;
  readonly yes?: true;
}

export default defineCommand<Options>({
  define: (parser) =>
    parser
      .option('-f, --file <path>', 'the configuration file; `-` is standard input')
      .option('-y, --yes', 'do not ask'),
  async run(context, options) {
    const source = await readConfigurationFile(context.cwd, options.file);
    const configuration = await parseConfigurationText(source, context, {});
    const { name, type } = configuration;
    if (name === null) throw usageError('the configuration has no `name`, so it names nothing', 'see `berth ps`');
    const client = await context.client();
    return deleteEach([name], {
      question: () =>
        type === 'fleet'
          ? `Delete the fleet ${name} and give its machines back?`
          : `Delete the run ${name} with logs and artifacts?`,
      yes: options.yes === true,
      remove: () =>
        type === 'fleet'
          ? client.call('fleet.delete', { params: { fleet: name } })
          : client.call('run.delete', { params: { run: name } }),
      done: type === 'fleet' ? 'being deleted' : 'deleted',
    });
  },
});
