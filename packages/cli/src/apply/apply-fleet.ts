import type { CheckedFleet } from '@berth/core/configuration';
import { EXIT_FAILURE } from '../output/error.ts';
import { plural } from '../output/format.ts';
import { statusLine } from '../output/status-line.ts';
import { print, say } from '../output/write.ts';
import type { ApplyParts } from './apply.ts';
import { formatFleetPlan } from './plan-view.ts';
import { showPlan } from './show-plan.ts';

const SHOWN_OFFERS = 5;

/** Plans, asks, and makes or changes the fleet; its machines come and go by themselves afterwards. */
export async function applyFleet(fleet: CheckedFleet, parts: ApplyParts): Promise<number> {
  const { context, options, source, interrupts, agree } = parts;
  const { signal } = interrupts;
  const progress = statusLine(process.stderr);
  const client = await context.client();
  const plan = await client.call('fleet.plan', { body: { configuration: fleet.source }, signal });
  progress.clear();
  const { project } = await context.target();
  const stream = options.dryRun === true ? process.stdout : process.stderr;
  const about = { file: source.file, project, code: null, maxOffers: options.maxOffers ?? SHOWN_OFFERS, stream };
  if (options.dryRun === true) {
    showPlan(plan, options, () => formatFleetPlan(plan, about));
    return 0;
  }
  say(`${formatFleetPlan(plan, about)}\n\n`);
  if (plan.action === 'none' && options.force !== true) {
    say(`Nothing to do: ${plan.name} is as the configuration says.\n`);
    return 0;
  }
  if (!(await agree(plan.action === 'create' ? `Make the fleet ${plan.name}?` : `Change the fleet ${plan.name}?`))) {
    say('Nothing was changed.\n');
    return EXIT_FAILURE;
  }
  signal.throwIfAborted();
  const { current } = plan;
  const view = await client.call('fleet.apply', {
    body: {
      configuration: { ...fleet.source, name: plan.name },
      base: current === null ? null : { id: current.id, version: current.version },
    },
  });
  print(`${view.name}\n`);
  const { target } = view.nodes;
  say(`It aims at ${plural(target, 'instance')}: \`berth fleet get ${view.name}\` shows them.\n`);
  return 0;
}
