/** Collects what Azure's virtual machines cost, and what they are. */

import type { CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { BerthError } from '@berth/core';
import { HttpError } from '@berth/http';
import { mapConcurrently } from '@berth/http/concurrency';
import type { AzureCredentials } from './credentials.ts';
import { countryOf, KNOWN_REGIONS } from './regions.ts';
import { readResourceSkus } from './resource-skus.ts';
import { type RetailItem, readRegionPrices, readRegions } from './retail-prices.ts';
import { type ReadShape, shapeOf } from './shape.ts';

type Context = CollectContext<AzureCredentials | null>;

/** The API turns away those who ask much faster. */
const REGIONS_AT_ONCE = 4;
/** A list that lacks more of its regions than this is no list: the last good version stays. */
const MOST_MISSING = 0.1;

/** @throws BerthError or HttpError when the list cannot be whole */
export async function* collect(context: Context): AsyncGenerator<CollectedOffer> {
  const { http, signal, log, credentials } = context;
  const listed = await readRegions(http, signal);
  if (listed.length === 0) throw incomplete('has no region that sells virtual machines');
  const exact = credentials === null ? null : await readResourceSkus(http, credentials, signal);

  // A region that sells none of the common sizes is asked too, as long as somebody knows of it.
  const regions = [...new Set([...listed, ...KNOWN_REGIONS])].sort();
  const shapes = new Map<string, ReadShape>();
  const missing: string[] = [];
  for (let from = 0; from < regions.length; from += REGIONS_AT_ONCE) {
    const some = regions.slice(from, from + REGIONS_AT_ONCE);
    const lists = await mapConcurrently(
      some,
      REGIONS_AT_ONCE,
      (region, cut) => regionPrices(context, region, cut),
      signal,
    );
    for (const [position, list] of lists.entries()) {
      const region = some[position] ?? '';
      const failure = list.failure ?? (list.prices.length === 0 && listed.includes(region) ? 'it has no prices' : null);
      if (failure !== null) {
        log.skipped(`region ${region}`, failure);
        missing.push(region);
      }
      for (const { armSkuName, capacityType, pricePerHour } of list.prices) {
        const read = shapes.get(armSkuName) ?? exact?.shapeOf(armSkuName) ?? shapeOf(armSkuName);
        if ('problem' in read && !shapes.has(armSkuName)) log.skipped(armSkuName, read.problem);
        shapes.set(armSkuName, read);
        if ('problem' in read) continue;
        yield {
          instanceType: armSkuName,
          region,
          zone: null,
          country: countryOf(region),
          capacityType,
          pricePerHour,
          ...read.shape,
          availability: exact?.availability(armSkuName, region) ?? 'unknown',
        };
      }
    }
    if (missing.length > listed.length * MOST_MISSING) {
      throw incomplete(`could not be read for ${missing.length} of ${listed.length} regions (${missing.join(', ')})`);
    }
    log.progress(`region ${Math.min(from + REGIONS_AT_ONCE, regions.length)} of ${regions.length}`);
  }
}

interface Price {
  readonly armSkuName: string;
  readonly capacityType: 'on-demand' | 'spot';
  readonly pricePerHour: number;
}

interface RegionPrices {
  readonly prices: readonly Price[];
  readonly failure: string | null;
}

async function regionPrices(context: Context, region: string, signal: AbortSignal): Promise<RegionPrices> {
  try {
    return { prices: await readPrices(context, region, signal), failure: null };
  } catch (error) {
    // A page in another form is no matter of one region, and neither is anything but a request that failed.
    if (signal.aborted || !(error instanceof HttpError) || error.code === 'unknown') throw error;
    return { prices: [], failure: error.message };
  }
}

async function readPrices({ http, log, now }: Context, region: string, signal: AbortSignal): Promise<Price[]> {
  const meters = new Map<string, RetailItem[]>();
  for await (const item of readRegionPrices(http, region, signal)) {
    if (item.armRegionName !== region || !isOurs(item) || Date.parse(item.effectiveStartDate) > now()) continue;
    const key = `${item.armSkuName} ${capacityTypeOf(item)}`;
    const others = meters.get(key);
    if (others === undefined) meters.set(key, [item]);
    else others.push(item);
  }
  const prices: Price[] = [];
  for (const [key, items] of meters) {
    const [item, ...others] = inForce(items);
    const what = `${key} in ${region}`;
    if (item === undefined) continue;
    if (item.unitOfMeasure !== '1 Hour') log.skipped(what, `it is sold by "${item.unitOfMeasure}"`);
    else if (others.some(({ retailPrice }) => retailPrice !== item.retailPrice)) {
      log.skipped(what, 'the price list has two different prices for it');
    } else if (!(item.retailPrice > 0)) log.skipped(what, `its price is ${item.retailPrice}`);
    else {
      const { armSkuName, retailPrice: pricePerHour } = item;
      prices.push({ armSkuName, capacityType: capacityTypeOf(item), pricePerHour });
    }
  }
  return prices;
}

/** Linux on a shared host. Meters without a size are of other things that are sold under this name. */
function isOurs({ armSkuName, productName, meterName }: RetailItem): boolean {
  return (
    armSkuName !== '' &&
    !/Windows|Dedicated|CloudServices|Cloud Services/.test(productName) &&
    !/Low Priority/.test(meterName)
  );
}

function capacityTypeOf({ meterName }: RetailItem): 'on-demand' | 'spot' {
  return /\bSpot\b/.test(meterName) ? 'spot' : 'on-demand';
}

/** Of several meters of one size: those with a price, of these the primary ones, which are billed, and of these the latest. */
function inForce(items: readonly RetailItem[]): readonly RetailItem[] {
  const priced = preferred(items, ({ retailPrice }) => retailPrice > 0);
  const candidates = preferred(priced, ({ isPrimaryMeterRegion }) => isPrimaryMeterRegion);
  const startOf = (item: RetailItem): number => Date.parse(item.effectiveStartDate);
  const latest = Math.max(...candidates.map(startOf));
  return candidates.filter((item) => startOf(item) === latest);
}

/** Those that fit, or all when none does. */
function preferred(items: readonly RetailItem[], fits: (item: RetailItem) => boolean): readonly RetailItem[] {
  const fitting = items.filter(fits);
  return fitting.length > 0 ? fitting : items;
}

function incomplete(what: string): BerthError {
  return new BerthError('unavailable', `Azure's price list ${what}.`, {
    hint: 'The last version stays in use; collect again later.',
  });
}
