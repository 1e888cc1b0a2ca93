import type { Millis } from '@berth/core';
import type { InstanceRow } from '@berth/store';
import { UNREACHABLE_LIMIT_MS } from './timing.ts';

/**
 * When an instance whose agent is silent is given up; null: it is not silent.
 * @param awakeSince since when this engine looks: silence while nobody listened does not count
 */
export function giveUpAt(instance: Pick<InstanceRow, 'unreachableSince'>, awakeSince: Millis): Millis | null {
  if (instance.unreachableSince === null) return null;
  return Math.max(instance.unreachableSince, awakeSince) + UNREACHABLE_LIMIT_MS;
}
