import type { ProjectView } from '@berth/core/api-schemas';
import { defineCommand, withJson } from '../../../command.ts';
import { printJson } from '../../../output/json.ts';
import { type Column, formatTable, terminalWidth } from '../../../output/table.ts';
import { print } from '../../../output/write.ts';

type Member = ProjectView['members'][number];

const COLUMNS: readonly Column<Member>[] = [
  { title: 'USER', value: (member) => member.user, min: 8 },
  { title: 'ROLE', value: (member) => member.role },
];

export default defineCommand<{ readonly json?: true }>({
  define: withJson,
  async run(context, options) {
    const { members, name } = await (await context.client()).call('project.get');
    if (options.json === true) printJson(members);
    else
      print(members.length === 0 ? `${name} has no members.\n` : `${formatTable(COLUMNS, members, terminalWidth())}\n`);
  },
});
