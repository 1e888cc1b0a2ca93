import { defineCommand, withJson } from '../../command.ts';
import { describeResources, statusColour } from '../../output/describe.ts';
import { formatFacts } from '../../output/facts.ts';
import { dollars, timestamp } from '../../output/format.ts';
import { printJson } from '../../output/json.ts';
import { styled } from '../../output/style.ts';
import { print } from '../../output/write.ts';

export default defineCommand<{ readonly json?: true }, [instance: string]>({
  define: (parser) => withJson(parser.argument('<instance>', 'name or id')),
  async run(context, options, instance) {
    const client = await context.client();
    const view = await client.call('instance.get', { params: { instance } });
    if (options.json === true) {
      printJson(view);
      return;
    }
    const facts = formatFacts([
      ['Instance', `${styled('bold', view.name)} (${view.id})`],
      ['Status', styled(statusColour(view.status), view.status)],
      ['Reachable', view.unreachable ? 'no' : null],
      ['Ended because', view.end_reason],
      ['Message', view.message],
      [
        'Stuck',
        view.stuck === null ? null : `${view.stuck.what}: ${view.stuck.why} (tried ${view.stuck.attempts} times)`,
      ],
      ['Out of reach', view.out_of_reach],
      ['Fleet', view.fleet],
      ['Where', `${view.backend}/${view.zone ?? view.region}`],
      ['Type', `${view.instance_type} (${view.capacity_type})`],
      ['Resources', describeResources(view.resources, { disk: true })],
      ['Runs', view.runs.join(', ')],
      ['Created', timestamp(view.created_at)],
      ['Idle since', view.idle_since === null ? null : timestamp(view.idle_since)],
      ['Given back', view.terminated_at === null ? null : timestamp(view.terminated_at)],
      ['Per hour', dollars(view.price_per_hour)],
      ['Cost', dollars(view.cost)],
    ]);
    print(`${facts}\n`);
  },
});
