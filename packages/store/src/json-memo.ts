/**
 * JSON that was parsed a moment ago is not parsed again: thousands of instances are made from one offer, and a
 * run is read a dozen times while it lives. What is shared is frozen.
 */

/** Of each of two generations: what was not asked for while so many others came is forgotten. */
const MAX_TEXTS = 256;
/** Longer ones are rare, and not worth their room. */
const MAX_LENGTH = 8_192;

let young = new Map<string, unknown>();
let old = new Map<string, unknown>();

/** @throws SyntaxError when the text is no JSON */
export function parseShared(text: string): unknown {
  if (text.length > MAX_LENGTH) return JSON.parse(text);
  const known = young.get(text);
  if (known !== undefined) return known;
  const value: unknown = old.get(text) ?? frozen(JSON.parse(text));
  if (young.size >= MAX_TEXTS) {
    old = young;
    young = new Map();
  }
  young.set(text, value);
  return value;
}

function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
