export interface Place {
  readonly region: string;
  readonly zone: string | null;
  /** ISO 3166-1 alpha-2; null: not known here. */
  readonly country: string | null;
}

/** Source: locations in Crusoe's own Terraform examples (github.com/crusoecloud). */
const COUNTRIES: Readonly<Record<string, string>> = {
  'us-east1': 'US',
  'us-northcentral1': 'US',
  'us-southcentral1': 'US',
  'us-west1': 'US',
  'eu-iceland1': 'IS',
  'eu-norway1': 'NO',
};

/** A location is a region and a letter: `us-east1-a`. */
export function placeOf(location: string): Place {
  const region = /^(.+\d)-[a-z]$/.exec(location)?.[1];
  if (region === undefined) return { region: location, zone: null, country: COUNTRIES[location] ?? null };
  return { region, zone: location, country: COUNTRIES[region] ?? null };
}
