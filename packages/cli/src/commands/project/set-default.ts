import { defineCommand } from '../../command.ts';
import { readConfig } from '../../connection/config-file.ts';
import { print } from '../../output/write.ts';

export default defineCommand<object, [name: string]>({
  usesProject: false,
  define: (parser) => parser.argument('<project>', 'its name'),
  async run(context, _options, name) {
    const entries = await readConfig(context.home.config);
    const { editConfig } = await import('../../connection/edit-config.ts');
    if (entries.some((entry) => entry.name === name)) {
      editConfig(context.home.config, (projects) => projects.setDefault(name));
    } else {
      // Another project of the server that is in use: the same token opens it.
      const client = await context.client();
      await client.call('project.get', { params: { project: name } });
      const { url, token } = await context.target();
      editConfig(context.home.config, (projects) => projects.put({ name, url, token, isDefault: true }));
    }
    print(`${name}: used when no project is named\n`);
  },
});
