import { decodeSnapshot, encodeSnapshot, type Snapshot } from '@berth/catalog/snapshot';

/** What answers where nothing was ever pulled or collected. */
export async function starterSnapshot(): Promise<Snapshot> {
  return decodeSnapshot(encodeSnapshot([], { source: 'starter', collectedAt: 0 }));
}
