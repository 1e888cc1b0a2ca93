/**
 * Spot prices with credentials: what EC2 says of each zone of a region right now.
 * Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html
 */

import type { Http } from '@berth/http';
import { HttpError } from '@berth/http';
import { z } from 'zod';
import { type SigningKey, signGet } from './sigv4.ts';
import type { SpotPrice } from './spot-feed.ts';

const itemSchema = z.object({
  instanceType: z.string().min(1),
  availabilityZone: z.string().min(1),
  spotPrice: z.coerce.number().positive(),
  timestamp: z.iso.datetime(),
});

/** More than any region has of types and zones, a thousand to a page. */
const MOST_PAGES = 100;

/**
 * The price of every type in every zone.
 * @throws HttpError `auth` also for a region that the account has not enabled
 */
export async function readSpotHistory(
  http: Http,
  region: string,
  key: SigningKey,
  now: () => number,
  signal: AbortSignal,
): Promise<SpotPrice[]> {
  const latest = new Map<string, SpotPrice & { readonly timestamp: string }>();
  const host = `ec2.${region}.amazonaws.com`;
  const startTime = new Date(now()).toISOString();
  let nextToken = '';
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const query: [string, string][] = [
      ['Action', 'DescribeSpotPriceHistory'],
      ['Version', '2016-11-15'],
      ['ProductDescription.1', 'Linux/UNIX'],
      ['MaxResults', '1000'],
      // From now on: the prices that hold, and none that held.
      ['StartTime', startTime],
    ];
    if (nextToken !== '') query.push(['NextToken', nextToken]);
    const { url, headers } = signGet({ host, query, region, service: 'ec2', now: now() }, key);
    const answer = readAnswer((await http.text({ url, headers }, signal)).text, host);
    for (const { instanceType, availabilityZone: zone, spotPrice: price, timestamp } of answer.items) {
      const known = latest.get(`${instanceType} ${zone}`);
      if (known !== undefined && known.timestamp >= timestamp) continue;
      latest.set(`${instanceType} ${zone}`, { instanceType, region: regionOf(zone), zone, price, timestamp });
    }
    nextToken = answer.nextToken;
    if (nextToken === '') return [...latest.values()].map(({ timestamp: _, ...price }) => price);
  }
  throw new HttpError('unknown', `GET ${host}/ answered with more than ${MOST_PAGES} pages`, NO_DETAILS);
}

const NO_DETAILS = { status: null, retryAfterMs: null };

/** `us-west-2-lax-1a` belongs to the Local Zone that the price list calls `us-west-2-lax-1`. */
function regionOf(zone: string): string {
  return zone.replace(/[a-z]$/, '');
}

interface HistoryPage {
  readonly items: readonly z.infer<typeof itemSchema>[];
  /** Empty on the last page. */
  readonly nextToken: string;
}

/** The answer is XML without attributes and with a flat list of items, so that patterns read it whole. */
function readAnswer(xml: string, host: string): HistoryPage {
  const body = /<DescribeSpotPriceHistoryResponse[\s>][\s\S]*<\/DescribeSpotPriceHistoryResponse>/.exec(xml)?.[0];
  if (body === undefined) {
    throw new HttpError('unknown', `GET ${host}/ answered with something that is no price history`, NO_DETAILS);
  }
  const items = [...body.matchAll(/<item>([\s\S]*?)<\/item>/g)].map(([, item = '']) => {
    const fields = [...item.matchAll(/<(\w+)>([^<]*)<\/\1>/g)].map(([, name = '', value = '']) => [
      name,
      decode(value),
    ]);
    const parsed = itemSchema.safeParse(Object.fromEntries(fields));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const what = `\`${issue?.path.join('.')}\`: ${issue?.message}`;
    throw new HttpError('unknown', `GET ${host}/ answered in another shape than documented: ${what}`, NO_DETAILS);
  });
  return { items, nextToken: decode(/<nextToken>([^<]*)<\/nextToken>/.exec(body)?.[1] ?? '') };
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ENTITIES[name] ?? '');
}
