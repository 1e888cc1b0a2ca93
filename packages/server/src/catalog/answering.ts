import type { CatalogAnswer, CatalogFilter, CatalogGroups, CatalogQuery, OfferGroupKey } from '@berth/catalog';

/** The part of the catalog's engine that answers; always from memory. */
export interface Answering {
  query(query: CatalogQuery): CatalogAnswer;
  groups(filter: CatalogFilter, by: readonly OfferGroupKey[]): CatalogGroups;
}
