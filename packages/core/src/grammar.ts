import { z } from 'zod';
import { BerthError } from './errors.ts';
import type { Range } from './offer.ts';
import { checkRange, parseRange, type RangeUnit, rangePattern } from './ranges.ts';

/**
 * Building blocks for the schemas of configuration files: text with a grammar of its own, values that
 * YAML writers spell in several ways, and fields that are known but not built yet.
 */

/** What our own checks attach to an issue, besides the message. */
export interface IssueParams {
  readonly hint?: string;
  readonly notSupported?: boolean;
}

type IssueSink = {
  addIssue(issue: { code: 'custom'; message: string; params: IssueParams; path: (string | number)[] }): void;
};

/** Runs a parser inside a schema: its BerthError becomes an issue at this place of the file, or at `path` below it. */
export function attempt<T>(context: IssueSink, parse: () => T, path: (string | number)[] = []): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    const notSupported = error.code === 'not-supported';
    context.addIssue({
      code: 'custom',
      message: error.message,
      path,
      params: { notSupported, ...(error.hint === undefined ? {} : { hint: error.hint }) },
    });
    return z.NEVER;
  }
}

/** Text that `parse` reads; `pattern` is for editors, the parser decides. */
export function textOf<T>(parse: (text: string) => T, pattern?: string) {
  const text = pattern === undefined ? z.string() : z.string().meta({ pattern });
  return text.transform((text, context) => attempt(context, () => parse(text)));
}

/** A map with `min`, `max` or both. */
export function rangeMapOf(unit: RangeUnit, number: z.ZodType<number, number>) {
  const end = z
    .union([
      number.transform((value, context) => attempt(context, () => unit.parse(String(value)))),
      textOf(unit.parse, `^\\s*${unit.pattern}\\s*$`),
    ])
    .nullish();
  return z.strictObject({ min: end, max: end }).transform((range, context) =>
    attempt(context, (): Range => {
      const both = { min: range.min ?? null, max: range.max ?? null };
      if (both.min === null && both.max === null) {
        throw new BerthError('invalid-configuration', 'a range needs `min`, `max` or both');
      }
      return checkRange(both, unit);
    }),
  );
}

/** A number (exactly that much), a text such as `2..8`, or a map with `min` and `max`. */
export function rangeOf(unit: RangeUnit, number: z.ZodType<number, number>) {
  return z.union([
    number.transform((value, context) => attempt(context, () => parseRange(String(value), unit))),
    textOf((text) => parseRange(text, unit), rangePattern(unit)),
    rangeMapOf(unit, number),
  ]);
}

/**
 * A boolean. Files written for dstack are read there as YAML 1.1, in which `yes`, `no`, `on` and `off`
 * are booleans too; here they arrive as text and mean the same.
 */
export const flag = z.union(
  [
    z.boolean(),
    z.enum(['yes', 'no', 'on', 'off', 'Yes', 'No', 'On', 'Off']).transform((word) => /^(yes|on)$/i.test(word)),
  ],
  'must be `true` or `false`',
);

/** `false` as YAML 1.1 and 1.2 write it. */
export const SWITCHED_OFF = [false, 'no', 'off'] as const;

/**
 * A field that is known and refused by name; nothing is silently ignored. `harmless` values, which ask
 * for what happens anyway, are taken.
 */
export function notYet(what: string, options: { harmless?: readonly unknown[]; hint?: string } = {}) {
  const harmless = [null, undefined, ...(options.harmless ?? [])];
  return z
    .unknown()
    .superRefine((value, context) => {
      if (harmless.includes(value)) return;
      const params: IssueParams = { notSupported: true, ...(options.hint === undefined ? {} : { hint: options.hint }) };
      context.addIssue({ code: 'custom', message: `${what} is not yet supported`, params });
    })
    .optional()
    .meta({ description: 'Not yet supported.', enum: [null, ...(options.harmless ?? [])] });
}
