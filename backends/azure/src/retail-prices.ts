/**
 * Azure's public price list, page by page.
 * Source: https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
 */

import { type Http, HttpError } from '@berth/http';
import { z } from 'zod';

const RETAIL_ORIGIN = 'https://prices.azure.com';
const URL_OF_PRICES = `${RETAIL_ORIGIN}/api/retail/prices`;

const itemSchema = z.object({
  armSkuName: z.string(),
  armRegionName: z.string(),
  productName: z.string(),
  meterName: z.string(),
  retailPrice: z.number(),
  currencyCode: z.literal('USD'),
  unitOfMeasure: z.string(),
  effectiveStartDate: z.iso.datetime({ offset: true }),
  isPrimaryMeterRegion: z.boolean(),
});
const pageSchema = z.object({ Items: z.array(itemSchema), NextPageLink: z.string().nullable() });

export type RetailItem = z.infer<typeof itemSchema>;

/** A page has a thousand items and takes the server seconds. */
const PAGE_TIMEOUT_MS = 60_000;
/** A region has some twelve; this is where the links must be leading in a circle. */
const MOST_PAGES = 1000;

/** Values of a filter are compared to the letter since this version. */
const API_VERSION = '2023-01-01-preview';

/** Virtual machines that are paid by use. Other systems, whole hosts and what is retired are kept out here and again by us. */
const EVERYWHERE = [
  "serviceName eq 'Virtual Machines'",
  "priceType eq 'Consumption'",
  "contains(productName, 'Windows') eq false",
  "contains(productName, 'Dedicated') eq false",
  "contains(meterName, 'Low Priority') eq false",
];

/** Sizes that every region sells: who sells them is a region. */
const COMMON_SIZES = ['Standard_B2s', 'Standard_D2s_v3', 'Standard_D2s_v5'];

/** Regions that the price list has, as it spells them. */
export async function readRegions(http: Http, signal: AbortSignal): Promise<string[]> {
  const sizes = COMMON_SIZES.map((size) => `armSkuName eq '${size}'`).join(' or ');
  const regions = new Set<string>();
  for await (const item of readItems(http, [...EVERYWHERE, `(${sizes})`], signal)) regions.add(item.armRegionName);
  regions.delete('');
  return [...regions].sort();
}

export function readRegionPrices(http: Http, region: string, signal: AbortSignal): AsyncGenerator<RetailItem> {
  return readItems(http, [...EVERYWHERE, `armRegionName eq '${region.replaceAll("'", "''")}'`], signal);
}

async function* readItems(http: Http, filter: readonly string[], signal: AbortSignal): AsyncGenerator<RetailItem> {
  const first = new URL(URL_OF_PRICES);
  first.searchParams.set('api-version', API_VERSION);
  first.searchParams.set('$filter', filter.join(' and '));
  let url: URL | null = first;
  for (let page = 0; url !== null; page += 1) {
    if (page === MOST_PAGES) throw new HttpError('unknown', `${NAME} has no last page`, NO_DETAILS);
    const answer: z.infer<typeof pageSchema> = await http.json(
      { url, schema: pageSchema, timeoutMs: PAGE_TIMEOUT_MS },
      signal,
    );
    yield* answer.Items;
    url = answer.NextPageLink === null || answer.NextPageLink === '' ? null : nextPage(answer.NextPageLink);
  }
}

const NAME = 'GET prices.azure.com/api/retail/prices';
const NO_DETAILS = { status: null, retryAfterMs: null };

/** Links name port 443, which is no other place. */
function nextPage(link: string): URL {
  const url = URL.parse(link);
  if (url?.origin === RETAIL_ORIGIN) return url;
  throw new HttpError('unknown', `${NAME} answered with a next page that is not its own: ${link}`, NO_DETAILS);
}
