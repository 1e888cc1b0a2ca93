/** The first offers of several sources in one order. */

import type { OfferSort } from '@berth/core/offer';
import type { CatalogOffer } from './catalog-offer.ts';
import { type Cursor, writeCursor } from './cursor.ts';
import type { Selection } from './selection.ts';
import { Walk } from './walk.ts';

/** What a page shows, and where the next one begins. Equal offers stand in the order of `selections`. */
export function page(
  selections: readonly Selection[],
  sort: OfferSort,
  limit: number,
  after: Cursor | null,
): { readonly offers: readonly CatalogOffer[]; readonly next: string | null } {
  const offers: CatalogOffer[] = [];
  if (limit === 0) return { offers, next: null };
  const walks = selections.map((selection) => new Walk(selection, sort, after, limit));
  skipGiven(walks, after);
  let last: Omit<Cursor, 'sort' | 'given'> | null = after;
  let given = after?.given ?? 0;
  for (;;) {
    const first = firstOf(walks);
    if (first === null) return { offers, next: null };
    if (offers.length === limit) break;
    const offer = first.offer();
    if (offer === null) break;
    const isRepeat = last !== null && last.key === first.key && last.price === first.price && last.id === offer.id;
    given = isRepeat ? given + 1 : 1;
    last = { key: first.key, price: first.price, id: offer.id };
    offers.push(offer);
    first.advance();
  }
  return { offers, next: last === null ? null : writeCursor({ ...last, sort, given }) };
}

/** Offers that are equal to the cursor's, and were on the page before. */
function skipGiven(walks: readonly Walk[], after: Cursor | null): void {
  for (let left = after?.given ?? 0; left > 0; left -= 1) {
    const first = firstOf(walks);
    if (first === null || first.key !== after?.key || first.price !== after.price || first.id !== after.id) return;
    first.advance();
  }
}

function firstOf(walks: readonly Walk[]): Walk | null {
  let first: Walk | null = null;
  for (const walk of walks) {
    if (walk.done) continue;
    if (first === null || isBefore(walk, first)) first = walk;
  }
  return first;
}

function isBefore(a: Walk, b: Walk): boolean {
  if (a.key !== b.key) return a.key < b.key;
  if (a.price !== b.price) return a.price < b.price;
  return a.id < b.id;
}
