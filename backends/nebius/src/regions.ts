/** Where regions are. Source: https://docs.nebius.com/overview/regions */
const COUNTRIES: Readonly<Record<string, string>> = {
  'eu-north1': 'FI',
  'eu-north2': 'IS',
  'eu-west1': 'FR',
  'me-west1': 'IL',
  'uk-south1': 'GB',
};

/** ISO 3166-1 alpha-2; null: a region that is newer than the table. */
export function countryOf(region: string): string | null {
  return COUNTRIES[region] ?? (region.startsWith('us-') ? 'US' : null);
}
