/** The API describes a region as `California, USA`. Words that it uses, to ISO 3166-1 alpha-2. */
const COUNTRIES: ReadonlyMap<string, string> = new Map([
  ['USA', 'US'],
  ['Japan', 'JP'],
  ['India', 'IN'],
  ['Israel', 'IL'],
  ['Germany', 'DE'],
  ['Italy', 'IT'],
  ['Australia', 'AU'],
]);

/** Null for a word that is not known here. */
export function countryOf(description: string): string | null {
  return COUNTRIES.get(description.split(',').at(-1)?.trim() ?? '') ?? null;
}
