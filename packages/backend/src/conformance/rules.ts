/** Every check of the kit, in the order in which they run. */
import { BerthError } from '@berth/core';
import { groupOf, type Rule } from './rule.ts';
import { configureRules } from './rules/configure.ts';
import { createRules } from './rules/create.ts';
import { definitionRules } from './rules/definition.ts';
import { errorRules } from './rules/errors.ts';
import { gatewayRules } from './rules/gateways.ts';
import { listRules } from './rules/list.ts';
import { offerRules } from './rules/offers.ts';
import { requestRules } from './rules/requests.ts';
import { secretRules } from './rules/secrets.ts';
import { signalRules } from './rules/signals.ts';
import { startRules } from './rules/start.ts';
import { suspendRules } from './rules/suspend.ts';
import { terminateRules } from './rules/terminate.ts';
import { togetherRules } from './rules/together.ts';
import { volumeRules } from './rules/volumes.ts';
import { endRules, walkRules } from './rules/walk.ts';

export const RULES: readonly Rule[] = [
  ...definitionRules,
  ...configureRules,
  ...createRules,
  ...listRules,
  ...terminateRules,
  ...signalRules,
  ...errorRules,
  ...requestRules,
  ...startRules,
  ...offerRules,
  ...suspendRules,
  ...volumeRules,
  ...togetherRules,
  ...gatewayRules,
  ...walkRules,
  ...secretRules,
  ...endRules,
];

/**
 * Those that are named, as rules (`C2`) or single checks (`C2.3`); all when none is.
 * @throws BerthError `invalid-request` for one that there is not
 */
export function chosenRules(names: readonly string[]): readonly Rule[] {
  const wanted = names.map((name) => name.toUpperCase());
  for (const name of wanted) {
    if (RULES.some(({ id }) => id === name || groupOf(id) === name)) continue;
    throw new BerthError('invalid-request', `There is no rule ${name}.`, {
      hint: '`berth backend check --list` shows which there are.',
    });
  }
  return RULES.filter(({ id }) => wanted.length === 0 || wanted.includes(id) || wanted.includes(groupOf(id)));
}
