/**
 * Where AWS's regions are, as ISO 3166-1 countries. Local and Wavelength Zones are regions of the price
 * list with a name of their own: that of their parent and a place behind it.
 *
 * Sources: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html,
 * https://docs.aws.amazon.com/local-zones/latest/ug/available-local-zones.html,
 * https://docs.aws.amazon.com/wavelength/latest/developerguide/available-wavelength-zones.html
 */

const REGIONS: Readonly<Record<string, string>> = {
  'af-south-1': 'ZA',
  'ap-east-1': 'HK',
  'ap-east-2': 'TW',
  'ap-northeast-1': 'JP',
  'ap-northeast-2': 'KR',
  'ap-northeast-3': 'JP',
  'ap-south-1': 'IN',
  'ap-south-2': 'IN',
  'ap-southeast-1': 'SG',
  'ap-southeast-2': 'AU',
  'ap-southeast-3': 'ID',
  'ap-southeast-4': 'AU',
  'ap-southeast-5': 'MY',
  'ap-southeast-6': 'NZ',
  'ap-southeast-7': 'TH',
  'ca-central-1': 'CA',
  'ca-west-1': 'CA',
  'cn-north-1': 'CN',
  'cn-northwest-1': 'CN',
  'eu-central-1': 'DE',
  'eu-central-2': 'CH',
  'eu-north-1': 'SE',
  'eu-south-1': 'IT',
  'eu-south-2': 'ES',
  'eu-west-1': 'IE',
  'eu-west-2': 'GB',
  'eu-west-3': 'FR',
  'eusc-de-east-1': 'DE',
  'il-central-1': 'IL',
  'me-central-1': 'AE',
  'me-south-1': 'BH',
  'mx-central-1': 'MX',
  'sa-east-1': 'BR',
  'us-east-1': 'US',
  'us-east-2': 'US',
  'us-gov-east-1': 'US',
  'us-gov-west-1': 'US',
  'us-west-1': 'US',
  'us-west-2': 'US',
};

/** Zones in another country than their region, by the airport code that ends or follows the region's name. */
const ABROAD: Readonly<Record<string, string>> = {
  'af-south-1-los': 'NG',
  'ap-northeast-1-tpe': 'TW',
  'ap-southeast-1-bkk': 'TH',
  'ap-southeast-1-mnl': 'PH',
  'ap-southeast-2-akl': 'NZ',
  'eu-central-1-waw': 'PL',
  'eu-north-1-cph': 'DK',
  'eu-north-1-hel': 'FI',
  'eu-west-3-wl1-cmn': 'MA',
  'eu-west-3-wl1-dss': 'SN',
  'me-south-1-mct': 'OM',
  'us-east-1-bue': 'AR',
  'us-east-1-lim': 'PE',
  'us-east-1-qro': 'MX',
  'us-east-1-scl': 'CL',
};

const PARENT = /^([a-z]+(?:-[a-z]+)+-\d+)(-.+)?$/;

/** Null: a region that is newer than this table. */
export function countryOf(region: string): string | null {
  const parent = PARENT.exec(region)?.[1];
  if (parent === undefined) return null;
  for (const [zone, country] of Object.entries(ABROAD)) {
    if (region.startsWith(zone)) return country;
  }
  return REGIONS[parent] ?? null;
}

/** A region of EC2's API; a Local or Wavelength Zone is asked for through its parent. */
export function isApiRegion(region: string): boolean {
  const match = PARENT.exec(region);
  return match !== null && match[2] === undefined;
}
