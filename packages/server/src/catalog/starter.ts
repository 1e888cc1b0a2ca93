import { decodeSnapshot, encodeSnapshot, type Snapshot } from '@berth/catalog/snapshot';
import { STARTER_AS_OF, STARTER_SOURCE, starterOffers } from '@berth/catalog/starter/starter';

/** What answers where nothing was ever pulled or collected. Some hundred offers, made at once. */
export function starterSnapshot(): Snapshot {
  return decodeSnapshot(encodeSnapshot(starterOffers(), { source: STARTER_SOURCE, collectedAt: STARTER_AS_OF }));
}
