/**
 * The country that a data centre's name tells: `us-east-nc-nr-1` and `ustx1a_a01` begin with it, behind a
 * continent it is the third part (`eu-central-it-gv-1`, `ap_northeast_kr_se_1`). Null: the name tells none.
 */
export function countryOf(place: string): string | null {
  const name = place.toLowerCase().replaceAll('_', '-');
  if (/^us(?:-|[a-z]{2}\d)/.test(name)) return 'US';
  return /^(?:eu|ap|sa|me|af)-[a-z]+-([a-z]{2})-/.exec(name)?.[1]?.toUpperCase() ?? null;
}
