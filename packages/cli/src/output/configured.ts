/**
 * A value of a configuration as a person would say it: `1..`, `yes`, `error and no-capacity`,
 * `name A100, count 2`. Never JSON.
 */
export function describeConfigured(value: unknown): string {
  if (value === true) return 'yes';
  if (value === false) return 'no';
  if (Array.isArray(value)) return value.map(nested).join(' and ');
  if (typeof value !== 'object' || value === null) return String(value).trim();
  const entries = Object.entries(value).filter(([, part]) => part !== null && part !== undefined);
  if (entries.length > 0 && entries.every(([key]) => key === 'min' || key === 'max')) return describeRange(value);
  return entries.map(([key, part]) => `${key} ${nested(part)}`).join(', ');
}

function describeRange({ min, max }: { readonly min?: unknown; readonly max?: unknown }): string {
  return min === max ? String(min) : `${min ?? ''}..${max ?? ''}`;
}

/** In brackets where the commas of the inside would be taken for those of the outside. */
function nested(value: unknown): string {
  const text = describeConfigured(value);
  return typeof value === 'object' && text.includes(', ') ? `(${text})` : text;
}
