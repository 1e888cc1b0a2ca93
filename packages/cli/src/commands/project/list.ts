import { defineCommand, withJson } from '../../command.ts';
import { age } from '../../output/format.ts';
import { printJson } from '../../output/json.ts';
import { styled } from '../../output/style.ts';
import { type Column, formatTable, terminalWidth } from '../../output/table.ts';
import { print } from '../../output/write.ts';

export default defineCommand<{ readonly json?: true }>({
  define: withJson,
  async run(context, options) {
    const client = await context.client();
    const { project: chosen, url } = await context.target();
    const projects = await client.call('project.list');
    if (options.json === true) {
      printJson(projects);
      return;
    }
    const now = Date.now();
    const columns: readonly Column<(typeof projects)[number]>[] = [
      { title: 'NAME', value: (project) => project.name, style: (text) => styled('bold', text), min: 10 },
      { title: 'IN USE', value: (project) => (project.name === chosen ? 'yes' : '') },
      { title: 'OWNER', value: (project) => project.owner, min: 6 },
      { title: 'MEMBERS', value: (project) => String(project.members.length), align: 'right' },
      { title: 'CREATED', value: (project) => age(project.created_at, now), align: 'right' },
    ];
    print(`Projects of ${url}\n${formatTable(columns, projects, terminalWidth())}\n`);
  },
});
