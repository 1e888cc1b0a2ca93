import type { CatalogOffer } from '@berth/catalog/catalog-offer';
import { lastHistory } from '../history.ts';
import type { Workshop } from './workshop.ts';

/** The source's history with these offers as its newest entry, as a part of what is published. */
export async function historyWith(
  workshop: Workshop,
  source: string,
  offers: readonly CatalogOffer[],
  collectedAt: number,
): Promise<{ readonly history: Uint8Array }> {
  const history = await lastHistory(workshop.places, source);
  history.record(offers, collectedAt);
  return { history: history.publishedBytes(workshop.now()) };
}
