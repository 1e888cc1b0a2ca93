import { defineCommand } from '../../command.ts';
import { print } from '../../output/write.ts';

interface Options {
  readonly whenEmpty?: true;
  readonly yes?: true;
}

export default defineCommand<Options, [backends: string[]]>({
  define: (parser) =>
    parser
      .argument('<backend...>', 'names')
      .option('--when-empty', 'one that holds machines takes no new work, and goes when they are gone')
      .option('-y, --yes', 'do not ask'),
  async run(context, options, backends) {
    if (options.yes !== true) {
      const { confirm } = await import('../../output/confirm.ts');
      if (!(await confirm(`Delete ${backends.join(', ')} with their credentials?`))) return 1;
    }
    const client = await context.client();
    for (const backend of backends) {
      const query = options.whenEmpty === true ? { when_empty: 'true' as const } : {};
      const { holds } = await client.call('backend.delete', { params: { backend }, query });
      const kept = `takes no new work, and goes when its ${holds} ${holds === 1 ? 'machine is' : 'machines are'} gone`;
      print(`${backend}: ${holds === 0 ? 'deleted' : kept}\n`);
    }
    return 0;
  },
});
