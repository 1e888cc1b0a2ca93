/** The API names countries in English; ISO 3166-1 alpha-2. Made once: it is not small. */
const CODES = countryCodes();

/** Null for a name that is no country's. */
export function countryCode(name: string): string | null {
  return CODES.get(name.trim().toLowerCase()) ?? null;
}

/** From the names that the runtime itself knows, so that no list of ours can be out of date. */
function countryCodes(): ReadonlyMap<string, string> {
  const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
  const codes = new Map<string, string>();
  for (let first = 65; first <= 90; first++) {
    for (let second = 65; second <= 90; second++) {
      const code = String.fromCharCode(first, second);
      const name = names.of(code)?.toLowerCase();
      // Old codes share a name with the one that took their place, which is met as the canonical one.
      if (name !== undefined && new Intl.Locale(`und-${code}`).maximize().region === code && !codes.has(name)) {
        codes.set(name, code);
      }
    }
  }
  return codes;
}
