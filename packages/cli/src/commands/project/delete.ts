import { defineCommand } from '../../command.ts';
import { readConfig } from '../../connection/config-file.ts';
import { deleteEach } from '../../delete-each.ts';

interface Options {
  readonly yes?: true;
  readonly local?: true;
}

export default defineCommand<Options, [name: string]>({
  usesProject: false,
  define: (parser) =>
    parser
      .argument('<project>', 'its name')
      .option('--local', 'only forget it here; it stays on its server')
      .option('-y, --yes', 'do not ask'),
  async run(context, options, name) {
    return deleteEach([name], {
      question: (project) => (options.local === true ? `Forget ${project} here?` : `Delete ${project} on its server?`),
      yes: options.yes === true,
      remove: async () => {
        if (options.local !== true)
          await (await context.client()).call('project.delete', { params: { project: name } });
        if (!(await readConfig(context.home.config)).some((entry) => entry.name === name)) return;
        const { editConfig } = await import('../../connection/edit-config.ts');
        editConfig(context.home.config, (projects) => projects.remove(name));
      },
      done: options.local === true ? 'forgotten' : 'deleted',
    });
  },
});
