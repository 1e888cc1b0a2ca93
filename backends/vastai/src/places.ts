export interface Place {
  readonly region: string;
  /** ISO 3166-1 alpha-2; null: not told. */
  readonly country: string | null;
}

/** Of hosts that do not say where they are. */
export const NOWHERE: Place = { region: 'unknown', country: null };

/** `Texas, US` is `us-texas` in the US, `, DE` is `de`, `Norway` is `norway`. */
export function placeOf(geolocation: string | null | undefined): Place {
  const parts = (geolocation ?? '').split(',').map((part) => part.trim());
  const country = /^[a-z]{2}$/i.test(parts.at(-1) ?? '') ? (parts.pop() ?? '') : null;
  const words = [country ?? '', ...parts].filter((part) => part !== '').join(' ');
  const region = words
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^\p{L}\d]+/gu, '-')
    .replace(/^-|-$/g, '');
  return region === '' ? NOWHERE : { region, country: country?.toUpperCase() ?? null };
}
