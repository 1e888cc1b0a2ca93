import { defineCommand, withJson } from '../../command.ts';
import { describeConfigured } from '../../output/configured.ts';
import { statusColour } from '../../output/describe.ts';
import { formatFacts } from '../../output/facts.ts';
import { timestamp } from '../../output/format.ts';
import { printJson } from '../../output/json.ts';
import { printable } from '../../output/printable.ts';
import { styled } from '../../output/style.ts';
import { print } from '../../output/write.ts';

export default defineCommand<{ readonly json?: true }, [backend: string]>({
  define: (parser) => withJson(parser.argument('<backend>', 'its name')),
  async run(context, options, backend) {
    const client = await context.client();
    const view = await client.call('backend.get', { params: { backend } });
    if (options.json === true) {
      printJson(view);
      return;
    }
    const { credentials, config } = view;
    const facts = formatFacts([
      ['Backend', `${styled('bold', printable(view.name))} (${printable(view.title)})`],
      ['Type', view.type],
      ['Status', styled(statusColour(view.status), view.status)],
      ['Reason', view.reason === null ? null : printable(view.reason)],
      ['Account', view.account === null ? null : printable(view.account)],
      ['Can', view.facets.join(', ')],
      ['Holds', view.holds === 0 ? null : `${view.holds} ${view.holds === 1 ? 'machine' : 'machines'}`],
      ['Written in', view.source],
      ['Credentials', credentials === null ? null : `${credentials.kind} ${credentials.fields.join(', ')}`.trim()],
      ['Created', view.created_at === null ? null : timestamp(view.created_at)],
      ...Object.entries(config ?? {}).map(([key, value]) => [key, printable(describeConfigured(value))] as const),
    ]);
    print(`${facts}\n`);
  },
});
