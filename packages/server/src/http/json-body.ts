import { BerthError } from '@berth/core/errors';

/** As many as a configuration may hold, which is the largest body. */
const MAX_VALUES = 100_000;
/** Deeper than any configuration, and far from where recursive code would overflow its stack. */
const MAX_DEPTH = 100;

/**
 * The value of a JSON body; undefined for an empty one.
 * @throws BerthError `invalid-request`
 */
export function parseJson(text: string): unknown {
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The engine repeats what is written around the mistake, which may be a secret; so no cause either.
    const why = error instanceof Error ? error.message.replace(/, (?:\.\.\.)?".*/s, '') : 'it cannot be read';
    throw new BerthError('invalid-request', `The request's body is not JSON: ${why}.`);
  }
  check(value);
  return value;
}

/** Without recursion, since depth is what it looks for. */
function check(root: unknown): void {
  let level: unknown[] = [root];
  let values = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) {
      throw new BerthError('invalid-request', `The request's body is nested more than ${MAX_DEPTH} deep.`);
    }
    values += level.length;
    if (values > MAX_VALUES) {
      throw new BerthError('too-large', `The request's body holds more than ${MAX_VALUES} values.`, {
        hint: 'What is this large belongs into a file that the configuration names in `files`.',
      });
    }
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue;
      // An own property of this name would set the prototype of whatever it is copied to.
      if (Object.hasOwn(value, '__proto__')) {
        throw new BerthError('invalid-request', 'The request’s body has a key `__proto__`.');
      }
      for (const item of Object.values(value)) next.push(item);
    }
    level = next;
  }
}
