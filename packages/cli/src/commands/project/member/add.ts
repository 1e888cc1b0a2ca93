import type { ProjectView } from '@berth/core/api-schemas';
import { Option } from 'commander';
import { defineCommand } from '../../../command.ts';
import { print } from '../../../output/write.ts';

interface Options {
  readonly role?: ProjectView['members'][number]['role'];
}

export default defineCommand<Options, [user: string]>({
  define: (parser) =>
    parser
      .argument('<user>', 'who; `berth user create` makes one')
      .addOption(
        new Option(
          '--role <role>',
          'what the user may do; when left out a new member is a user, and another stays what it is',
        ).choices(['user', 'manager', 'admin']),
      ),
  examples: ['berth project member add bob', 'berth project member add bob --role manager --project team'],
  async run(context, { role }, user) {
    const client = await context.client();
    const project = await client.call('member.put', { params: { user }, body: role === undefined ? {} : { role } });
    const is = role ?? project.members.find((member) => member.user === user)?.role ?? 'user';
    print(`${user}: is ${is} of ${project.name}\n`);
    return 0;
  },
});
