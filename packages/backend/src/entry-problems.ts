/** What is wrong with a backend as it was written down, in words for whoever wrote it, and never with a credential in them. */

import { nearestWord } from '@berth/core/nearest';
import { formatPath, type Problem, type ProblemPath } from '@berth/core/problems';
import { oneOf } from '@berth/core/quote';
import { problemsOf } from '@berth/core/schema-issues';
import { describeAt, knownKeys } from '@berth/core/schema-outline';
import { type ZodType, z } from 'zod';
import type { BackendEntry } from './backend-entry.ts';
import type { AnyBackendDefinition } from './contract.ts';

type Issue = z.core.$ZodIssue;

/** Shorter ones may well be the same as a word that is meant. */
const SHORTEST_SECRET = 8;
/** What credentials, and only they, are read from. */
const REFERENCE = /^\$\{(?:env|file):/;

export function configProblems(
  definition: AnyBackendDefinition,
  issues: readonly Issue[],
  entry: BackendEntry,
): readonly Problem[] {
  const words = { whole: `the backend \`${entry.name}\``, isYaml: true };
  return problemsOf(issues, outlined(definition.config), entry.config ?? {}, words).map((problem) => {
    const below = { ...problem, path: ['config', ...problem.path] };
    const [key] = problem.path;
    if (problem.at !== 'key' || problem.path.length !== 1 || typeof key !== 'string') return below;
    const kind = kindWith(definition, key);
    if (kind === null) return below;
    const message = `\`${key}\` is a credential, and stands where everybody may read it`;
    return { ...below, message, hint: `write ${credentialsText(definition, kind)}` };
  });
}

export function credentialProblems(
  definition: AnyBackendDefinition,
  kind: string,
  issues: readonly Issue[],
  written: unknown,
): readonly Problem[] {
  const schema = outlined(definition.credentials[kind]);
  return issues.flatMap((issue): readonly Problem[] => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    if (issue.code !== 'unrecognized_keys') return [described(issue, path, schema, written)];
    return issue.keys.map((key) => ({
      path: ['credentials', ...path, key],
      at: 'key',
      notSupported: false,
      ...(path.length > 0
        ? { message: `unknown key \`${key}\` in \`${formatPath(path)}\`` }
        : strayKey(definition, kind, key)),
    }));
  });
}

/** Credentials of a kind that there is not, or of none. */
export function kindProblem(definition: AnyBackendDefinition, { credentials }: BackendEntry): Problem {
  const kinds = Object.keys(definition.credentials);
  const [first = 'default'] = kinds;
  const { kind, value } = credentials;
  const at = { path: ['credentials', 'type'], at: 'value', notSupported: false } as const;
  if (kind !== 'default') {
    const near = nearestWord(kind, kinds);
    const hint = near === null ? `known here: ${oneOf(kinds)}` : `did you mean \`${near}\`?`;
    return { ...at, message: `there is no kind of credentials \`${kind}\` here`, hint };
  }
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  if (keys.length === 0) {
    const hint = `write ${credentialsText(definition, first)}`;
    return { ...at, path: ['credentials'], message: 'credentials are missing', hint };
  }
  const meant = kinds.find((one) => keys.every((key) => fieldsOf(definition.credentials[one]).includes(key)));
  const hint = meant === undefined ? `known here: ${oneOf(kinds)}` : `add \`type: ${meant}\``;
  return { ...at, message: 'credentials do not say of which kind they are', hint };
}

/** Config is shown, so nothing secret may be in it; nor is anything in it read from elsewhere. */
export function secretsInConfig(config: unknown, secrets: readonly string[]): readonly Problem[] {
  const known = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  const problems: Problem[] = [];
  const look = (value: unknown, path: ProblemPath): void => {
    if (typeof value === 'string') {
      const name = `\`${formatPath(path.slice(1))}\``;
      const problem = { path, at: 'value', notSupported: false } as const;
      if (known.some((secret) => value.includes(secret))) {
        const message = `${name} holds a secret of the credentials, and is shown to everybody`;
        problems.push({ ...problem, message, hint: 'write here what belongs here, and the secret only once' });
      } else if (REFERENCE.test(value)) {
        const message = `${name} is taken as it stands: only credentials are read from variables and files`;
        problems.push({ ...problem, message, hint: 'write the value itself' });
      }
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        look(inner, [...path, Array.isArray(value) ? Number(key) : key]);
      }
    }
  };
  look(config, ['config']);
  return problems;
}

/** As one would write them in a file, without values. */
function credentialsText(definition: AnyBackendDefinition, kind: string): string {
  const fields = fieldsOf(definition.credentials[kind]).map((field) => `, ${field}: …`);
  return `\`creds: { type: ${kind}${fields.join('')} }\``;
}

function strayKey(
  definition: AnyBackendDefinition,
  kind: string,
  key: string,
): { readonly message: string; readonly hint?: string } {
  if (fieldsOf(definition.config).includes(key)) {
    return { message: `\`${key}\` is no credential`, hint: 'write it beside `creds`, not into it' };
  }
  const other = kindWith(definition, key);
  if (other !== null) {
    const message = `\`${key}\` belongs to credentials of kind \`${other}\`, not \`${kind}\``;
    return { message, hint: `write ${credentialsText(definition, other)}` };
  }
  const known = fieldsOf(definition.credentials[kind]);
  const near = nearestWord(key, known);
  const hint =
    near !== null ? `did you mean \`${near}\`?` : known.length > 0 ? `known here: ${oneOf(known)}` : undefined;
  return { message: `unknown key \`${key}\` in credentials`, ...(hint === undefined ? {} : { hint }) };
}

/** As `problemsOf` would, but for the value: whatever was written may be the secret. */
function described(issue: Issue, path: readonly (string | number)[], schema: ZodType, written: unknown): Problem {
  const name = path.length === 0 ? 'credentials' : `\`${formatPath(path)}\` of the credentials`;
  const description = describeAt(schema, path) ?? undefined;
  const problem = (message: string, hint: string | undefined = description): Problem => ({
    path: ['credentials', ...path],
    at: 'value',
    message,
    notSupported: false,
    ...(hint === undefined ? {} : { hint }),
  });
  switch (issue.code) {
    case 'invalid_type': {
      const value = valueAt(written ?? {}, path);
      if (value === undefined) return problem(`${name} is missing`);
      const isScalar = typeof value === 'number' || typeof value === 'boolean';
      const hint = issue.expected === 'string' && isScalar ? 'put it in quotes' : description;
      return problem(`${name} must be ${WORDS[issue.expected] ?? issue.expected}, not ${kindOf(value)}`, hint);
    }
    case 'invalid_value':
      return problem(`${name} must be ${oneOf(issue.values.map(String))}`);
    case 'too_small':
      return problem(issue.origin === 'string' ? `${name} must not be empty` : `${name} is too small`);
    case 'custom':
      return problem(`${name}: ${issue.message}`);
    default:
      return problem(`${name} has a form that is not allowed`);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

function valueAt(root: unknown, path: readonly (string | number)[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part]; // a list or a map, as just checked
  }
  return value;
}

/** The kind of credentials that has a field of this name. */
function kindWith(definition: AnyBackendDefinition, field: string): string | null {
  const kinds = Object.entries(definition.credentials);
  return kinds.find(([, schema]) => fieldsOf(schema).includes(field))?.[0] ?? null;
}

function fieldsOf(schema: ZodType | undefined): readonly string[] {
  return knownKeys(outlined(schema), []);
}

/** A backend may bring schemas of another make than zod 4's: those can be asked whether a value fits, and nothing else. */
function outlined(schema: ZodType | undefined): ZodType {
  return schema !== undefined && '_zod' in schema ? schema : z.unknown();
}
