import { knownMemory } from '@berth/core/accelerator';
import { resolveAccelerator } from '@berth/core/accelerators';

/**
 * MiB of one device, where a price list tells one number for a machine with several: `means` is what it is
 * documented or seen to be. Lists mix the two, so of both readings the first that is a size the device is
 * made with counts. Null: neither is. A device that nobody knows has what the list means.
 */
export function memoryOfOne(label: string, count: number, toldMiB: number, means: 'all' | 'one'): number | null {
  const readings = means === 'all' ? [toldMiB / count, toldMiB] : [toldMiB, toldMiB / count];
  const device = resolveAccelerator(label);
  if (device === null) return readings[0] ?? null;
  return readings.find((reading) => knownMemory(device, reading) !== null) ?? null;
}
