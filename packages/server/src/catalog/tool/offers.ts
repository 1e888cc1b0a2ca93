import type { Catalog } from '@berth/catalog';
import type { CatalogOffer } from '@berth/catalog/catalog-offer';

/** Every offer of every source, one after the other; those of the starter where nobody knows better too. */
export function* allOffers(catalog: Catalog): Iterable<CatalogOffer> {
  for (const { source } of catalog.statuses()) yield* catalog.snapshot(source) ?? [];
}
