/** One difference; `undefined` on a side where the value does not exist. */
export interface Change {
  /** `resources.gpu`, `commands[1]`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * What differs between two configurations, by path and in alphabetical order. Maps are compared key by
 * key. Lists of one length are compared entry by entry, others as a whole: after an insertion every
 * later entry would seem changed. The order of keys does not count, and null is the same as absent.
 */
export function diffConfigurations(before: unknown, after: unknown): Change[] {
  return [...compare('', before ?? undefined, after ?? undefined)].sort((a, b) =>
    a.path.localeCompare(b.path, 'en', { numeric: true }),
  );
}

function* compare(path: string, before: unknown, after: unknown): Generator<Change> {
  if (Object.is(before, after)) return;
  if (Array.isArray(before) && Array.isArray(after)) {
    if (before.length === after.length) {
      for (const [index, item] of before.entries()) yield* compare(`${path}[${index}]`, item, after[index]);
    } else {
      yield { path, before, after };
    }
  } else if (isMap(before) && isMap(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      yield* compare(path === '' ? key : `${path}.${key}`, own(before, key), own(after, key));
    }
  } else {
    yield { path, before, after };
  }
}

function own(map: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(map, key) ? (map[key] ?? undefined) : undefined;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
