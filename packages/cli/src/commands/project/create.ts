import { defineCommand, withJson } from '../../command.ts';
import { printJson } from '../../output/json.ts';
import { print } from '../../output/write.ts';

export default defineCommand<{ readonly json?: true }, [name: string]>({
  usesProject: false,
  define: (parser) => withJson(parser.argument('<name>')),
  async run(context, options, name) {
    const client = await context.client();
    const project = await client.call('project.create', { body: { name } });
    if (options.json === true) printJson(project);
    else
      print(`${project.name}: created; use it with \`--project\`, or \`berth project set-default ${project.name}\`\n`);
  },
});
