import type { InstanceView } from '@berth/core/api-schemas';
import { statusColour } from './describe.ts';
import { age, dollars, duration } from './format.ts';
import { styled } from './style.ts';
import { type Column, formatTable, terminalWidth } from './table.ts';

/** Machines that do not get where they should: why, since when, and when it is tried again. */
export function formatStuck(instances: readonly InstanceView[], now: number): string {
  if (instances.length === 0) return 'There is no instance that is stuck.';
  const columns: readonly Column<InstanceView>[] = [
    { title: 'NAME', value: (i) => i.name, style: (text) => styled('bold', text), min: 10 },
    { title: 'STATUS', value: (i) => i.status, style: (text, i) => styled(statusColour(i.status), text), min: 8 },
    { title: 'WHERE', value: (i) => `${i.backend}/${i.zone ?? i.region}`, min: 8, dispensable: 2 },
    { title: 'PER HOUR', value: (i) => dollars(i.price_per_hour), align: 'right', dispensable: 1 },
    { title: 'WHY', value: why, min: 20 },
    { title: 'SINCE', value: ({ stuck }) => (stuck === null ? '' : age(stuck.since, now)), align: 'right' },
    { title: 'TRIED', value: ({ stuck }) => (stuck === null ? '' : String(stuck.attempts)), align: 'right' },
    { title: 'AGAIN IN', value: (i) => nextTry(i, now), align: 'right' },
  ];
  return formatTable(columns, instances, terminalWidth());
}

export function why({ stuck, out_of_reach: outOfReach }: InstanceView): string {
  const reasons = [stuck === null ? null : `${stuck.what}: ${stuck.why}`, outOfReach];
  return reasons.filter((reason) => reason !== null).join('; ');
}

function nextTry({ stuck, out_of_reach: outOfReach }: InstanceView, now: number): string {
  // Nothing is tried before its backend is back.
  if (stuck === null || outOfReach !== null) return '';
  return stuck.next_attempt_at <= now ? 'now' : duration(stuck.next_attempt_at - now);
}
