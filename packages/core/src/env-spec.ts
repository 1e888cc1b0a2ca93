import { z } from 'zod';
import { BerthError } from './errors.ts';
import { attempt, textOf } from './grammar.ts';
import { escapeTemplate } from './interpolation.ts';
import { quote } from './quote.ts';

/** A variable of a job; a null value is taken from where `berth` runs. */
export interface EnvEntry {
  readonly name: string;
  /** A template: it may hold `${{ secrets.NAME }}`. */
  readonly value: string | null;
}

const NAME = '[A-Za-z_][A-Za-z0-9_]*';

/** `K=V` or `K`. @throws BerthError `invalid-configuration` */
export function parseEnvEntry(text: string): EnvEntry {
  const at = text.indexOf('=');
  if (at < 0) return { name: envName(text), value: null };
  return { name: envName(text.slice(0, at)), value: envValue(text.slice(at + 1)) };
}

function envName(name: string): string {
  if (new RegExp(`^${NAME}$`).test(name) && name !== '__proto__') return name;
  throw new BerthError('invalid-configuration', `${quote(name)} cannot be the name of a variable`, {
    hint: 'write `NAME=value`; a name has letters, digits and underscores',
  });
}

function envValue(value: string): string {
  // The kernel ends a variable at the first zero byte, so the rest would silently be lost.
  if (!value.includes('\0')) return value;
  throw new BerthError('invalid-configuration', 'the value of a variable cannot hold a zero byte');
}

/** No program reads as many, and the kernel passes on only so much. */
const MAX_VARIABLES = 5000;

const envList = z
  .array(textOf(parseEnvEntry, `^${NAME}(=[\\s\\S]*)?$`))
  .max(MAX_VARIABLES)
  .transform((entries, context) => {
    const names = new Set<string>();
    for (const [index, entry] of entries.entries()) {
      if (names.has(entry.name)) {
        context.addIssue({ code: 'custom', path: [index], message: `${quote(entry.name)} is given twice` });
      }
      names.add(entry.name);
    }
    return entries;
  });

/** Numbers and booleans are text here; the reader of the file has put back the letters that were written. */
const envMap = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
  .refine((map) => Object.keys(map).length <= MAX_VARIABLES, `can have at most ${MAX_VARIABLES} variables`)
  .transform((map, context) =>
    Object.entries(map).map(([name, value]) =>
      attempt(context, (): EnvEntry => ({ name: envName(name), value: envValue(String(value)) }), [name]),
    ),
  );

export const envSchema = z.union([envList, envMap]);

/**
 * The variables with every value: what the caller's environment gives is escaped, so that it can hold
 * `${{` without being read as a reference.
 * @returns the values, and the positions in `entries` of variables that have none
 */
export function resolveEnv(
  entries: readonly EnvEntry[],
  environment: Readonly<Record<string, string | undefined>>,
): { readonly env: Record<string, string>; readonly missing: readonly number[] } {
  const env: Record<string, string> = {};
  const missing: number[] = [];
  for (const [index, entry] of entries.entries()) {
    const given = Object.hasOwn(environment, entry.name) ? environment[entry.name] : undefined;
    const value = entry.value ?? (given === undefined ? undefined : escapeTemplate(given));
    if (value === undefined) missing.push(index);
    else env[entry.name] = value;
  }
  return { env, missing };
}
