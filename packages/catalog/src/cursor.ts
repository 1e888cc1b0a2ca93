/** Where a page ended: the last offer's place in the order, opaque to whoever asks. */

import { BerthError } from '@berth/core/errors';
import { OFFER_SORTS, type OfferSort } from '@berth/core/offer';
import { z } from 'zod';
import { type CatalogOffer, pricePerGpu, pricePerGpuGib } from './catalog-offer.ts';

export interface Cursor {
  readonly sort: OfferSort;
  /** The sort's price; `Infinity` where there is none. */
  readonly key: number;
  readonly price: number;
  readonly id: string;
  /** Offers with this key, price and id that were given already: two sources may list the same. */
  readonly given: number;
}

const LONGEST = 65_536;
const schema = z.tuple([
  z.literal(1),
  z.enum(OFFER_SORTS),
  z.number().nonnegative().nullable(),
  z.number().positive(),
  z.string(),
  z.number().int().positive(),
]);

export function writeCursor({ sort, key, price, id, given }: Cursor): string {
  const parts: z.infer<typeof schema> = [1, sort, Number.isFinite(key) ? key : null, price, id, given];
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** The place right behind an offer, for lists that are put together of several catalogs' answers. */
export function cursorAfter(offer: CatalogOffer, sort: OfferSort): string {
  const key =
    sort === 'price' ? offer.pricePerHour : sort === 'price-per-gpu' ? pricePerGpu(offer) : pricePerGpuGib(offer);
  return writeCursor({ sort, key: key ?? Number.POSITIVE_INFINITY, price: offer.pricePerHour, id: offer.id, given: 1 });
}

/** @throws BerthError `invalid-request` for a damaged one, or one of another order */
export function readCursor(text: string, sort: OfferSort): Cursor {
  const parts = text.length > LONGEST ? null : parse(text);
  if (parts === null) throw unusable('It is no cursor that this catalog gave.');
  const [, ofSort, key, price, id, given] = parts;
  if (ofSort !== sort) throw unusable(`It goes on a list sorted by ${ofSort}, and this one is sorted by ${sort}.`);
  return { sort, key: key ?? Number.POSITIVE_INFINITY, price, id, given };
}

function parse(text: string): z.infer<typeof schema> | null {
  try {
    if (!/^[\w-]*$/.test(text)) return null;
    return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    return null;
  }
}

function unusable(why: string): BerthError {
  return new BerthError('invalid-request', `The list cannot be gone on with after this place. ${why}`, {
    hint: 'Ask without `after` for the first page; `next` of its answer is the next place.',
  });
}
