/** A region is a city and a number. Source: DigitalOcean, "Regional Availability" (docs.digitalocean.com/platform). */
const CITIES: Readonly<Record<string, string>> = {
  ams: 'NL',
  atl: 'US',
  blr: 'IN',
  fra: 'DE',
  lon: 'GB',
  nyc: 'US',
  sfo: 'US',
  sgp: 'SG',
  syd: 'AU',
  tor: 'CA',
};

/** ISO 3166-1 alpha-2; null for a city that is not listed here. */
export function countryOf(region: string): string | null {
  return CITIES[region.replace(/\d+$/, '')] ?? null;
}
