/** What RunPod writes behind the continent for the places of Asia and Oceania, where it is a country. */
const PACIFIC = new Set(['AU', 'IN', 'JP', 'KR', 'MY', 'NZ', 'SG', 'TW']);

/**
 * The country of a data centre: `US-KS-2` and `CA-MTL-1` begin with it, in `EU-RO-1` and `EUR-IS-1` it
 * follows. A region of the community cloud is a country itself. Null: the name tells none.
 */
export function countryOf(region: string): string | null {
  const [first = '', second = ''] = region.toUpperCase().split('-');
  if (second === '') return /^[A-Z]{2}$/.test(first) ? first : null;
  if (first === 'US' || first === 'CA') return first;
  if (first === 'EU' || first === 'EUR') return /^[A-Z]{2}$/.test(second) ? second : null;
  return PACIFIC.has(second) ? second : null;
}
