import { loadCached } from '@berth/catalog';
import { BerthError } from '@berth/core/errors';
import { nearestWord } from '@berth/core/nearest';
import type { Workshop } from './workshop.ts';

/**
 * Takes out what was collected or imported on this machine; what was pulled or shipped of the same cloud
 * answers again. All of them, or none.
 * @throws BerthError `not-found` for a name that nothing was collected or imported under
 */
export async function removeSources(workshop: Workshop, names: readonly string[]): Promise<readonly string[]> {
  const { sources } = await loadCached(workshop.places.collected, 'unsigned');
  const known = sources.map(({ name }) => name);
  const removed = [...new Set(names)];
  for (const name of removed) {
    if (known.includes(name)) continue;
    const near = nearestWord(name, known);
    const all = known.length === 0 ? 'Nothing was collected or imported here.' : `Here are ${known.join(', ')}.`;
    throw new BerthError('not-found', `No source \`${name}\` was collected or imported on this machine.`, {
      hint: near === null ? all : `Did you mean \`${near}\`?`,
    });
  }
  const { failed } = await workshop.store(removed.map((name) => ({ name, ok: 'removed' })));
  const [first] = failed;
  if (first !== undefined) throw new BerthError('unavailable', `${first.source} was not removed: ${first.reason}`);
  return removed;
}
