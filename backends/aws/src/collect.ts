/** Collects what EC2 sells: prices and shapes from the public price list, spot prices from what can be asked. */

import type { CollectContext, CollectLog } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { BerthError } from '@berth/core';
import { HttpError } from '@berth/http';
import { mapConcurrently } from '@berth/http/concurrency';
import type { AwsCredentials } from './credentials.ts';
import { csvUrl, type PriceRow, REGION_INDEX_URL, readPriceList, regionIndexSchema } from './price-list.ts';
import { countryOf, isApiRegion } from './regions.ts';
import { type InstanceShape, shapeOf } from './shape.ts';
import type { SigningKey } from './sigv4.ts';
import { readSpotFeed, type SpotPrice } from './spot-feed.ts';
import { readSpotHistory } from './spot-history.ts';

type Context = CollectContext<AwsCredentials | null>;

/** Files that are read at once; each is a stream that can keep a good part of a core busy. */
const FILES_AT_ONCE = 4;
const HISTORIES_AT_ONCE = 8;
/** A region's file has hundreds of megabytes; this is where it can be no price list any more. */
const LARGEST_FILE = 8 * 1024 ** 3;
/** How often a file is begun: so long a stream breaks now and then. */
const TRIES = 3;
/** A list that lacks more of its regions than this is no list: the last good version stays. */
const MOST_MISSING = 0.1;

/** @throws BerthError or HttpError when the list cannot be whole */
export async function* collect(context: Context): AsyncGenerator<CollectedOffer> {
  const { http, signal, log } = context;
  const index = await http.json({ url: REGION_INDEX_URL, schema: regionIndexSchema }, signal);
  const regions = Object.values(index.regions).sort((one, other) => (one.regionCode < other.regionCode ? -1 : 1));
  if (regions.length === 0) throw incomplete('names no region');

  const shapes = new Map<string, InstanceShape>();
  const missing: string[] = [];
  for (let from = 0; from < regions.length; from += FILES_AT_ONCE) {
    const some = regions.slice(from, from + FILES_AT_ONCE);
    const lists = await mapConcurrently(
      some,
      FILES_AT_ONCE,
      (region, cut) => regionOffers(context, region, cut),
      signal,
    );
    for (const [position, list] of lists.entries()) {
      const region = some[position]?.regionCode ?? '';
      if (list.failure !== null) {
        log.skipped(`region ${region}`, list.failure);
        missing.push(region);
      }
      for (const [offer, shape] of list.offers) {
        shapes.set(offer.instanceType, shape);
        yield offer;
      }
    }
    if (missing.length > regions.length * MOST_MISSING) {
      throw incomplete(`could not be read for ${missing.length} of ${regions.length} regions (${missing.join(', ')})`);
    }
    log.progress(`region ${Math.min(from + FILES_AT_ONCE, regions.length)} of ${regions.length}`);
  }

  log.progress('spot prices');
  const names = regions.map((region) => region.regionCode);
  yield* spotOffers(await spotPrices(context, names), shapes, log);
}

interface RegionList {
  readonly offers: readonly (readonly [CollectedOffer, InstanceShape])[];
  /** Why there are none. */
  readonly failure: string | null;
}

interface RegionFile {
  readonly regionCode: string;
  readonly currentVersionUrl: string;
}

async function regionOffers(context: Context, region: RegionFile, signal: AbortSignal): Promise<RegionList> {
  for (let sent = 1; ; sent += 1) {
    try {
      const offers = await readRegion(context, region, signal);
      if (offers.length > 0) return { offers, failure: null };
      return { offers, failure: 'its price list has no price of a Linux machine' };
    } catch (error) {
      // A file in another form is the same for every region; it is not for one of them to be left out.
      if (signal.aborted || !(error instanceof HttpError)) throw error;
      if (error.code !== 'transient' || sent === TRIES) return { offers: [], failure: error.message };
    }
  }
}

async function readRegion(
  { http, log }: Context,
  { regionCode, currentVersionUrl }: RegionFile,
  signal: AbortSignal,
): Promise<(readonly [CollectedOffer, InstanceShape])[]> {
  const url = csvUrl(currentVersionUrl);
  const rows = new Map<string, PriceRow>();
  const unlike = new Set<string>();
  for await (const row of readPriceList(http.lines({ url, maxBytes: LARGEST_FILE }, signal), url)) {
    if (row.region !== regionCode) continue;
    const before = rows.get(row.instanceType);
    const [price, priceBefore] = [Number(row.pricePerUnit), Number(before?.pricePerUnit ?? 0)];
    // Types that are sold in ways which differ in nothing we tell apart stand there twice, also for nothing.
    if (!(priceBefore > 0)) rows.set(row.instanceType, row);
    else if (price > 0 && price !== priceBefore) unlike.add(row.instanceType);
  }
  const offers: (readonly [CollectedOffer, InstanceShape])[] = [];
  for (const row of rows.values()) {
    const what = `${row.instanceType} in ${regionCode}`;
    const read = shapeOf(row);
    const pricePerHour = Number(row.pricePerUnit);
    if (unlike.has(row.instanceType)) log.skipped(what, 'the price list has two different prices for it');
    else if ('problem' in read) log.skipped(what, read.problem);
    else if (!(pricePerHour > 0)) log.skipped(what, `its price is "${row.pricePerUnit}"`);
    else offers.push([offerOf(row.instanceType, regionCode, null, 'on-demand', pricePerHour, read.shape), read.shape]);
  }
  return offers;
}

/** By zone where the account may ask; from the public feed everywhere else. */
async function spotPrices(context: Context, regions: readonly string[]): Promise<SpotPrice[]> {
  const { http, credentials, signal, log, now } = context;
  const feed = await readSpotFeed(http, signal);
  if (credentials === null) return feed;

  const key: SigningKey = {
    accessKey: credentials.access_key,
    secretKey: credentials.secret_key.reveal(),
    sessionToken: credentials.session_token?.reveal() ?? null,
  };
  const asked = regions.filter(isApiRegion);
  const refusals: string[] = [];
  const histories = await mapConcurrently(
    asked,
    HISTORIES_AT_ONCE,
    async (region, cut) => {
      try {
        return await readSpotHistory(http, region, key, now, cut);
      } catch (error) {
        if (cut.aborted || !(error instanceof HttpError)) throw error;
        log.skipped(`spot prices by zone in ${region}`, error.message);
        if (error.code === 'auth') refusals.push(error.message);
        return [];
      }
    },
    signal,
  );
  // One refused region is not enabled in the account; when all are, the key is no key.
  if (refusals.length === asked.length && refusals.length > 0) {
    throw new BerthError('unauthenticated', `EC2 refuses the access key in every region: ${refusals[0]}.`, {
      hint: 'Check the key and its permission ec2:DescribeSpotPriceHistory, or collect without credentials.',
    });
  }
  const byZone = histories.flat();
  const answered = new Set(byZone.map((price) => price.region));
  return [...byZone, ...feed.filter((price) => !answered.has(price.region))];
}

function* spotOffers(
  prices: readonly SpotPrice[],
  shapes: ReadonlyMap<string, InstanceShape>,
  log: CollectLog,
): Generator<CollectedOffer> {
  const unknown = new Set<string>();
  for (const { instanceType, region, zone, price } of prices) {
    const shape = shapes.get(instanceType);
    if (shape !== undefined) yield offerOf(instanceType, region, zone, 'spot', price, shape);
    else unknown.add(instanceType);
  }
  for (const type of unknown) log.skipped(`${type} as spot`, 'the price list does not say what it is');
}

function offerOf(
  instanceType: string,
  region: string,
  zone: string | null,
  capacityType: CollectedOffer['capacityType'],
  pricePerHour: number,
  shape: InstanceShape,
): CollectedOffer {
  return { instanceType, region, zone, country: countryOf(region), capacityType, pricePerHour, ...shape };
}

function incomplete(what: string): BerthError {
  return new BerthError('unavailable', `AWS's price list ${what}.`, {
    hint: 'The last version stays in use; collect again later.',
  });
}
