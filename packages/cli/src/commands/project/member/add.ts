import type { ProjectView } from '@berth/core/api-schemas';
import { Option } from 'commander';
import { defineCommand } from '../../../command.ts';
import { print } from '../../../output/write.ts';

interface Options {
  readonly role: ProjectView['members'][number]['role'];
}

export default defineCommand<Options, [user: string]>({
  define: (parser) =>
    parser
      .argument('<user>', 'who; `berth user create` makes one')
      .addOption(
        new Option('--role <role>', 'what the user may do, also when already a member')
          .choices(['user', 'manager', 'admin'])
          .default('user'),
      ),
  examples: ['berth project member add bob', 'berth project member add bob --role manager --project team'],
  async run(context, { role }, user) {
    const client = await context.client();
    const project = await client.call('member.put', { params: { user }, body: { role } });
    print(`${user}: is ${role} of ${project.name}\n`);
    return 0;
  },
});
