import { parseDuration } from '@berth/core/durations';
import { InvalidArgumentError, Option } from 'commander';
import { defineCommand, withJson } from '../../../command.ts';
import { printJson } from '../../../output/json.ts';
import { printNewToken } from '../../../output/new-token.ts';
import { tokenOwner } from '../../../token-owner.ts';

interface Options {
  readonly user?: string;
  readonly scope?: 'read' | 'write';
  readonly onlyProject?: string;
  readonly expires?: number | null;
  readonly json?: true;
}

export default defineCommand<Options, [name: string]>({
  usesProject: false,
  define: (parser) =>
    withJson(
      parser
        .argument('<name>', 'what it is for')
        .option('--user <name>', 'whose; your own when left out')
        .addOption(new Option('--scope <scope>', 'what it may do').choices(['read', 'write']).default('write'))
        .option('--only-project <name>', 'good for one project only')
        .option('--expires <duration>', 'for example 30d; never when left out', parseExpiry),
    ),
  examples: ['berth user token create ci --scope write --only-project team --expires 90d'],
  async run(context, options, name) {
    const client = await context.client();
    const created = await client.call('token.create', {
      params: { user: await tokenOwner(client, options.user) },
      body: {
        name,
        scope: options.scope ?? 'write',
        project: options.onlyProject ?? null,
        expires_in_ms: options.expires ?? null,
      },
    });
    if (options.json === true) printJson(created);
    else printNewToken(`${created.info.name}: created (id ${created.info.id})`, created.token);
  },
});

function parseExpiry(text: string): number | null {
  try {
    const seconds = parseDuration(text);
    return seconds === 'off' ? null : seconds * 1000;
  } catch {
    throw new InvalidArgumentError('Write a duration like 12h or 30d.');
  }
}
