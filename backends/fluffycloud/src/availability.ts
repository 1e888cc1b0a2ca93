/** What this account may have now: stock and quotas, of which a price list that was read a moment ago knows nothing. */
import type { Offer } from '@berth/core';
import { type Account, account, type InstanceType, instanceTypes } from './api.ts';
import type { Session } from './request.ts';

type Word = Offer['availability'];

export async function availability(
  session: Session,
  offers: readonly Offer[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Word>> {
  const [owner, types] = await Promise.all([account(session, signal), instanceTypes(session, signal)]);
  const byName = new Map(types.map((type) => [type.name, type]));
  return new Map(offers.map((offer) => [offer.id, wordFor(offer, byName.get(offer.instanceType), owner)]));
}

function wordFor(offer: Offer, type: InstanceType | undefined, { quotas, instances }: Account): Word {
  const stock = type?.regions[offer.region]?.in_stock;
  if (type === undefined || stock === undefined) return 'not-available';
  if (!(offer.capacityType === 'spot' ? stock.spot : stock.on_demand)) return 'not-available';
  const vcpus = quotas.find(({ region }) => region === offer.region)?.vcpus;
  const isAbove = vcpus !== undefined && vcpus.used + type.vcpus > vcpus.limit;
  return isAbove || instances.used >= instances.limit ? 'no-quota' : 'available';
}
