import type { UserView } from '@berth/core/api-schemas';
import { defineCommand, withJson } from '../../command.ts';
import { age } from '../../output/format.ts';
import { printJson } from '../../output/json.ts';
import { styled } from '../../output/style.ts';
import { type Column, formatTable, terminalWidth } from '../../output/table.ts';
import { print } from '../../output/write.ts';

export default defineCommand<{ readonly json?: true }>({
  usesProject: false,
  define: withJson,
  async run(context, options) {
    const client = await context.client();
    const users = await client.call('user.list');
    if (options.json === true) {
      printJson(users);
      return;
    }
    const now = Date.now();
    const columns: readonly Column<UserView>[] = [
      { title: 'NAME', value: (user) => user.name, style: (text) => styled('bold', text), min: 10 },
      { title: 'ROLE', value: (user) => user.global_role },
      { title: 'ACTIVE', value: (user) => (user.active ? 'yes' : 'no') },
      { title: 'E-MAIL', value: (user) => user.email ?? '', min: 10 },
      { title: 'CREATED', value: (user) => age(user.created_at, now), align: 'right' },
    ];
    print(`${formatTable(columns, users, terminalWidth())}\n`);
  },
});
