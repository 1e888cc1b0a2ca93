import { Option } from 'commander';
import { defineCommand, withJson } from '../../command.ts';
import { printJson } from '../../output/json.ts';
import { print } from '../../output/write.ts';
import { usageError } from '../../usage-error.ts';

interface Options {
  readonly email?: string;
  readonly role?: 'admin' | 'user';
  readonly active?: boolean;
  readonly json?: true;
}

export default defineCommand<Options, [name: string]>({
  usesProject: false,
  define: (parser) =>
    withJson(
      parser
        .argument('<name>')
        .option('--email <address>', "'' removes it")
        .addOption(new Option('--role <role>', 'on the whole server').choices(['admin', 'user']))
        .option('--active', 'let the user in again')
        .option('--no-active', 'shut the user out; nothing is deleted'),
    ),
  async run(context, options, name) {
    const { email, role, active } = options;
    if (email === undefined && role === undefined && active === undefined) {
      throw usageError('nothing to change', 'give --email, --role, --active or --no-active');
    }
    const client = await context.client();
    const user = await client.call('user.update', {
      params: { user: name },
      body: {
        ...(email === undefined ? {} : { email: email === '' ? null : email }),
        ...(role === undefined ? {} : { global_role: role }),
        ...(active === undefined ? {} : { active }),
      },
    });
    if (options.json === true) printJson(user);
    else
      print(
        `${user.name}: ${user.global_role}, ${user.active ? 'active' : 'shut out'}${user.email ? `, ${user.email}` : ''}\n`,
      );
  },
});
