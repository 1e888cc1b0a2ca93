/** AWS's public price list, spot feed and EC2 API as documented, played on loopback. */

import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { harvest } from '@berth/catalog/testing/harvest';
import { type Answer, type ReplayServer, replayServer } from '@berth/http/testing/replay-server';
import { collect } from '../collect.ts';
import type { AwsCredentials } from '../credentials.ts';
import { PRICE_LIST_ORIGIN } from '../price-list.ts';

/** Columns of the regional files of September 2025 that matter here, and some that must not. */
const COLUMNS = [
  'SKU',
  'OfferTermCode',
  'RateCode',
  'TermType',
  'PriceDescription',
  'Unit',
  'PricePerUnit',
  'Currency',
  'Product Family',
  'serviceCode',
  'Location',
  'Location Type',
  'Instance Type',
  'Current Generation',
  'Instance Family',
  'vCPU',
  'Physical Processor',
  'Memory',
  'Storage',
  'Network Performance',
  'Processor Architecture',
  'Tenancy',
  'Operating System',
  'License Model',
  'operation',
  'CapacityStatus',
  'GPU',
  'GPU Memory',
  'MarketOption',
  'Pre Installed S/W',
  'Region Code',
] as const;

export type Row = Partial<Record<(typeof COLUMNS)[number], string>>;

const LINUX: Row = {
  SKU: '2223B6PCG6QAUYY6',
  OfferTermCode: 'JRTCKXETXF',
  RateCode: '2223B6PCG6QAUYY6.JRTCKXETXF.6YS6EN2CT7',
  TermType: 'OnDemand',
  PriceDescription: '$0.096 per On Demand Linux m5.large Instance Hour, "list" price',
  Unit: 'Hrs',
  PricePerUnit: '0.0960000000',
  Currency: 'USD',
  'Product Family': 'Compute Instance',
  serviceCode: 'AmazonEC2',
  'Location Type': 'AWS Region',
  'Instance Type': 'm5.large',
  'Instance Family': 'General purpose',
  vCPU: '2',
  'Physical Processor': 'Intel Xeon Platinum 8175',
  Memory: '8 GiB',
  Storage: 'EBS only',
  'Network Performance': 'Up to 10 Gigabit',
  'Processor Architecture': '64-bit',
  Tenancy: 'Shared',
  'Operating System': 'Linux',
  'License Model': 'No License required',
  operation: 'RunInstances',
  CapacityStatus: 'Used',
  'GPU Memory': 'NA',
  MarketOption: 'OnDemand',
  'Pre Installed S/W': 'NA',
};

export const M5_LARGE: Row = LINUX;
export const G6E_XLARGE: Row = {
  ...LINUX,
  'Instance Type': 'g6e.xlarge',
  'Instance Family': 'GPU instance',
  PricePerUnit: '1.8610000000',
  vCPU: '4',
  Memory: '32 GiB',
  Storage: '1 x 250 GB NVMe SSD',
  'Network Performance': 'Up to 20 Gigabit',
  GPU: '1',
};
export const P5_48XLARGE: Row = {
  ...LINUX,
  'Instance Type': 'p5.48xlarge',
  'Instance Family': 'GPU instance',
  PricePerUnit: '55.0400000000',
  vCPU: '192',
  'Physical Processor': 'AMD EPYC 7R13 Processor',
  Memory: '2,048 GiB',
  Storage: '8 x 3840 GB NVMe SSD',
  'Network Performance': '3200 Gigabit',
  GPU: '8',
};

export function priceList(region: string, rows: readonly Row[], columns: readonly string[] = COLUMNS): string {
  const line = (cells: readonly string[]): string =>
    cells.map((cell) => (cell === '' ? '' : `"${cell.replaceAll('"', '""')}"`)).join(',');
  const about = [
    ['FormatVersion', 'v1.0'],
    ['Disclaimer', 'This pricing list is for informational purposes only.'],
    ['Publication Date', '2025-09-12T22:53:08Z'],
    ['Version', '20250912225308'],
    ['OfferCode', 'AmazonEC2'],
  ];
  const table = rows.map((row) => {
    const cells: Readonly<Record<string, string>> = { 'Region Code': region, ...row };
    return columns.map((column) => cells[column] ?? '');
  });
  return [...about, columns, ...table].map(line).join('\n');
}

const pathOf = (region: string): string => `/offers/v1.0/aws/AmazonEC2/20250912225308/${region}/index`;
export const routeOf = (region: string): string => `GET ${pathOf(region)}.csv`;

export function spotFeed(regions: Readonly<Record<string, Readonly<Record<string, string>>>>): unknown {
  return {
    vers: 0.01,
    config: {
      rate: 'perhr',
      valueColumns: ['linux', 'mswin'],
      currencies: ['USD'],
      regions: Object.entries(regions).map(([region, prices]) => ({
        region,
        footnotes: { '*': 'notAvailableForCCorCGPU' },
        instanceTypes: [
          {
            type: 'generalCurrentGen',
            sizes: Object.entries(prices).map(([size, USD]) => ({
              size,
              valueColumns: [
                { name: 'mswin', prices: { USD: '0.9999' } },
                { name: 'linux', prices: { USD } },
              ],
            })),
          },
        ],
      })),
    },
  };
}

export interface Ec2 extends AsyncDisposable {
  readonly server: ReplayServer;
  /** `what: why`, of all that was collected so far. */
  readonly skipped: readonly string[];
  /** Everything that is collected there. */
  collect(credentials?: AwsCredentials | null, deadline?: AbortSignal): Promise<readonly CollectedOffer[]>;
}

/** A price list with these regions, and a spot feed with one price. */
export async function ec2(lists: Readonly<Record<string, Answer>>): Promise<Ec2> {
  const server = await replayServer();
  const skipped: string[] = [];
  const regions = Object.fromEntries(
    Object.keys(lists).map((regionCode) => [
      regionCode,
      { regionCode, currentVersionUrl: `${pathOf(regionCode)}.json` },
    ]),
  );
  server.on('GET /offers/v1.0/aws/AmazonEC2/current/region_index.json', { json: { formatVersion: 'v1.0', regions } });
  for (const [region, answer] of Object.entries(lists)) server.on(routeOf(region), answer);
  server.on('GET /spot.json', { json: spotFeed({ 'us-east': { 'm5.large': '0.0350' } }) });
  const hosts = Object.keys(lists).map((region) => `https://ec2.${region}.amazonaws.com`);
  const origins = server.instead(PRICE_LIST_ORIGIN, 'https://website.spot.ec2.aws.a2z.com', ...hosts);
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
  return offers.map((o) => `${o.instanceType} ${o.zone ?? o.region} ${o.capacityType} ${o.pricePerHour}`).sort();
}
