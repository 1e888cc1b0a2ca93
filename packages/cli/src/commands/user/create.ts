import { defineCommand, withJson } from '../../command.ts';
import { printJson } from '../../output/json.ts';
import { printNewToken } from '../../output/new-token.ts';

interface Options {
  readonly email?: string;
  readonly admin?: true;
  readonly json?: true;
}

export default defineCommand<Options, [name: string]>({
  usesProject: false,
  define: (parser) =>
    withJson(
      parser.argument('<name>').option('--email <address>').option('--admin', 'may do everything on this server'),
    ),
  async run(context, options, name) {
    const client = await context.client();
    const created = await client.call('user.create', {
      body: { name, email: options.email ?? null, global_role: options.admin === true ? 'admin' : 'user' },
    });
    if (options.json === true) printJson(created);
    else printNewToken(`${created.user.name}: created`, created.token);
  },
});
