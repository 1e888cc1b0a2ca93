/**
 * Spot prices without credentials: the feed behind https://aws.amazon.com/ec2/spot/pricing/. AWS
 * documents the page and not the feed. It has a price for each region and none for its zones.
 */

import type { Http } from '@berth/http';
import { z } from 'zod';

const SPOT_FEED_URL = 'https://website.spot.ec2.aws.a2z.com/spot.json';

const valueColumn = z.object({ name: z.string(), prices: z.object({ USD: z.string() }) });
const schema = z.object({
  config: z.object({
    rate: z.literal('perhr'),
    regions: z.array(
      z.object({
        region: z.string().min(1),
        instanceTypes: z.array(
          z.object({ sizes: z.array(z.object({ size: z.string().min(1), valueColumns: z.array(valueColumn) })) }),
        ),
      }),
    ),
  }),
});

/** Names of the first regions, from before regions had codes. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  'us-east': 'us-east-1',
  'us-west': 'us-west-1',
  'eu-ireland': 'eu-west-1',
  'apac-sin': 'ap-southeast-1',
  'apac-syd': 'ap-southeast-2',
  'apac-tokyo': 'ap-northeast-1',
};

export interface SpotPrice {
  readonly instanceType: string;
  readonly region: string;
  /** Null: the price holds for the region, and nobody says where in it. */
  readonly zone: string | null;
  /** US dollars per hour. */
  readonly price: number;
}

/** A type that is not sold as spot in a region is listed with `N/A*` for a price, and left out here. */
export async function readSpotFeed(http: Http, signal: AbortSignal): Promise<SpotPrice[]> {
  const { config } = await http.json({ url: SPOT_FEED_URL, schema }, signal);
  const prices: SpotPrice[] = [];
  for (const { region, instanceTypes } of config.regions) {
    for (const { size, valueColumns } of instanceTypes.flatMap((family) => family.sizes)) {
      const linux = valueColumns.find((column) => column.name === 'linux')?.prices.USD;
      const price = Number(linux);
      if (!(price > 0)) continue;
      prices.push({ instanceType: size, region: OLD_NAMES[region] ?? region, zone: null, price });
    }
  }
  return prices;
}
