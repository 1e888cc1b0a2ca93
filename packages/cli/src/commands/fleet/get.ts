import { defineCommand, withJson } from '../../command.ts';
import { statusColour } from '../../output/describe.ts';
import { formatFacts } from '../../output/facts.ts';
import { timestamp } from '../../output/format.ts';
import { formatInstances } from '../../output/instances.ts';
import { printJson } from '../../output/json.ts';
import { styled } from '../../output/style.ts';
import { print } from '../../output/write.ts';

export default defineCommand<{ readonly json?: true }, [fleet: string]>({
  define: (parser) => withJson(parser.argument('<fleet>', 'name or id')),
  async run(context, options, fleet) {
    const client = await context.client();
    const view = await client.call('fleet.get', { params: { fleet } });
    if (options.json === true) {
      printJson(view);
      return;
    }
    const facts = formatFacts([
      ['Fleet', `${styled('bold', view.name)} (${view.id})`],
      ['Status', styled(statusColour(view.status), view.status)],
      ['Message', view.message],
      ['Nodes', `${view.nodes.min}..${view.nodes.max ?? ''}, aims at ${view.nodes.target}`],
      ['Created', timestamp(view.created_at)],
    ]);
    print(`${facts}\n\n${formatInstances(view.instances, Date.now())}\n`);
  },
});
