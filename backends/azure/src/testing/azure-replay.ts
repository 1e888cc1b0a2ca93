/** Azure's retail prices and resource SKUs as documented, played on loopback. */

import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { harvest } from '@berth/catalog/testing/harvest';
import { type Answer, type ReplayServer, type Reply, replayServer } from '@berth/http/testing/replay-server';
import { collect } from '../collect.ts';
import type { AzureCredentials } from '../credentials.ts';

export interface Item {
  readonly armSkuName: string;
  readonly armRegionName: string;
  readonly retailPrice: number;
  readonly productName: string;
  readonly meterName: string;
  readonly unitOfMeasure: string;
  readonly currencyCode: string;
  readonly effectiveStartDate: string;
  readonly isPrimaryMeterRegion: boolean;
}

/** An item of the list, with the fields that are not read. */
export function item(armSkuName: string, retailPrice: number, more: Partial<Item> = {}): Item {
  const skuName = armSkuName.replace(/^Standard_/, '').replaceAll('_', ' ');
  const unread = { tierMinimumUnits: 0, unitPrice: retailPrice, meterId: '0', skuName, type: 'Consumption' };
  return {
    ...unread,
    armSkuName,
    armRegionName: 'eastus',
    retailPrice,
    productName: 'Virtual Machines Dsv3 Series',
    meterName: skuName,
    unitOfMeasure: '1 Hour',
    currencyCode: 'USD',
    effectiveStartDate: '2023-08-01T00:00:00Z',
    isPrimaryMeterRegion: true,
    ...more,
  };
}

export function page(items: readonly unknown[], next: string | null = null): Reply {
  return {
    json: {
      BillingCurrency: 'USD',
      CustomerEntityId: 'Default',
      Items: items,
      NextPageLink: next,
      Count: items.length,
    },
  };
}

export interface Azure extends AsyncDisposable {
  readonly server: ReplayServer;
  /** `what: why`, of all that was collected so far. */
  readonly skipped: readonly string[];
  /** Everything that is collected there. */
  collect(credentials?: AzureCredentials | null, deadline?: AbortSignal): Promise<readonly CollectedOffer[]>;
}

export const PRICES = 'GET /api/retail/prices';

/** A list with these regions; a region that is not among them has no items. */
export async function azure(regions: Readonly<Record<string, Answer>>): Promise<Azure> {
  const server = await replayServer();
  const skipped: string[] = [];
  const asked = new Map<string, number>();
  server.on(PRICES, (request) => {
    const filter = request.query.get('$filter') ?? '';
    const region = /armRegionName eq '(\w+)'/.exec(filter)?.[1];
    if (region === undefined) {
      return page(Object.keys(regions).map((armRegionName) => item('Standard_D2s_v3', 1, { armRegionName })));
    }
    const answer = regions[region] ?? page([]);
    const before = asked.get(region) ?? 0;
    asked.set(region, before + 1);
    return typeof answer === 'function' ? answer({ ...request, before }) : answer;
  });
  const origins = server.instead(
    'https://prices.azure.com',
    'https://login.microsoftonline.com',
    'https://management.azure.com',
  );
  return {
    server,
    skipped,
    async collect(credentials = null, signal = AbortSignal.timeout(20_000)) {
      const harvested = await harvest(collect, { origins, credentials, signal });
      skipped.push(...harvested.skipped);
      return harvested.offers;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export function names(offers: readonly CollectedOffer[]): string[] {
  return offers.map((o) => `${o.instanceType} ${o.region} ${o.capacityType} ${o.pricePerHour}`).sort();
}
