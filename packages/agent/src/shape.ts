/**
 * Checks the shape of what came over the link. The agent idles on every machine, so it does without
 * a schema library: these few functions cost nothing at start-up.
 *
 * A shape takes a value and where it stands, and returns the value typed, or throws `ShapeError`.
 * Keys that a shape does not name are left out, so that a newer peer may add some.
 */
export type Shape<T> = (value: unknown, path: string) => T;

export class ShapeError extends Error {
  override readonly name = 'ShapeError';
  constructor(path: string, expected: string) {
    super(`${path} must be ${expected}`);
  }
}

export const string: Shape<string> = (value, path) => {
  if (typeof value !== 'string') throw new ShapeError(path, 'a string');
  return value;
};

export const boolean: Shape<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw new ShapeError(path, 'true or false');
  return value;
};

/** Finite and not negative: every number of the protocol is a size, a count, an offset or a time. */
export const amount: Shape<number> = (value, path) => {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new ShapeError(path, 'a number that is not negative');
  }
  return value;
};

export const whole: Shape<number> = (value, path) => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new ShapeError(path, 'a whole number that is not negative');
  }
  return value;
};

/** `T` is a brand whose values are exactly the strings that match. */
export function matching<T extends string>(pattern: RegExp, expected: string): Shape<T> {
  return (value, path) => {
    if (typeof value !== 'string' || !pattern.test(value)) throw new ShapeError(path, expected);
    return value as T; // the pattern is the brand's definition
  };
}

export function oneOf<const T extends string>(...choices: readonly T[]): Shape<T> {
  return (value, path) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw new ShapeError(path, `one of ${choices.join(', ')}`);
    return found;
  };
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value, path) => (value === null ? null : shape(value, path));
}

export function list<T>(shape: Shape<T>): Shape<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new ShapeError(path, 'a list');
    return value.map((item, index) => shape(item, `${path}[${index}]`));
  };
}

export function record<T>(shape: Shape<T>): Shape<Readonly<Record<string, T>>> {
  // fromEntries defines own properties, so that a key such as __proto__ stays a key.
  return (value, path) =>
    Object.fromEntries(
      Object.entries(asObject(value, path)).map(([key, item]) => [key, shape(item, `${path}.${key}`)]),
    );
}

export function object<S extends Readonly<Record<string, Shape<unknown>>>>(
  shapes: S,
): Shape<{ readonly [K in keyof S]: ReturnType<S[K]> }> {
  const entries = Object.entries(shapes);
  return (value, path) => {
    const source = asObject(value, path);
    const result = Object.fromEntries(entries.map(([key, shape]) => [key, shape(source[key], `${path}.${key}`)]));
    return result as { readonly [K in keyof S]: ReturnType<S[K]> }; // built key by key from the shapes
  };
}

export function asObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ShapeError(path, 'an object');
  return value as Readonly<Record<string, unknown>>; // checked on the line above
}
