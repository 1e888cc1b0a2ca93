/** Fields whose values are text whatever they look like: `1.10` is not the number 1.1 there. */
const TEXT_MAPS = ['env', 'tags'];

/**
 * The map, with numbers and booleans under `env` and `tags` replaced by the letters that were written.
 * @param plainText the letters of an unquoted scalar at a path, or null
 */
export function restoreText<T extends Readonly<Record<string, unknown>>>(
  root: T,
  plainText: (path: readonly (string | number)[]) => string | null,
): T {
  const restored: Record<string, unknown> = { ...root };
  for (const field of TEXT_MAPS) {
    const map = restored[field];
    if (map === null || typeof map !== 'object' || Array.isArray(map)) continue;
    restored[field] = Object.fromEntries(
      Object.entries(map).map(([key, value]) => {
        const isText = typeof value === 'number' || typeof value === 'boolean';
        return [key, isText ? (plainText([field, key]) ?? String(value)) : value];
      }),
    );
  }
  return restored as T; // the same keys; values under two of them are text now
}
