import type { z } from 'zod';
import type { IssueParams } from './grammar.ts';
import { nearestWord } from './nearest.ts';
import { firstOf, formatPath, MOST_TOLD, type Problem } from './problems.ts';
import { oneOf, quote } from './quote.ts';
import { describeAt, knownKeys } from './schema-outline.ts';

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

export interface ProblemWords {
  /** How messages call the whole. */
  readonly whole: string;
  /** What was written is YAML, and its mistakes are those that YAML leads into. */
  readonly isYaml: boolean;
}

const OF_A_FILE: ProblemWords = { whole: 'the configuration', isYaml: true };

/** What a failed parse says, in words for the writer of the file. Of very many, the first, and how many there are. */
export function problemsOf(
  issues: readonly Issue[],
  schema: Schema,
  root: unknown,
  words: ProblemWords = OF_A_FILE,
): readonly Problem[] {
  const problems: Problem[] = [];
  let omitted = 0;
  for (const issue of issues) {
    if (problems.length > MOST_TOLD) {
      omitted += issue.code === 'unrecognized_keys' ? issue.keys.length : 1;
      continue;
    }
    for (const problem of translate(issue, [], { schema, root, words })) problems.push(problem);
  }
  return firstOf(problems, omitted);
}

interface Context {
  readonly schema: Schema;
  readonly root: unknown;
  readonly words: ProblemWords;
}

function translate(issue: Issue, above: readonly (string | number)[], context: Context): Problem[] {
  const path = [...above, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  const value = valueAt(context.root, path);
  const name = path.length === 0 ? context.words.whole : `\`${formatPath(path)}\``;
  const description = (): string | undefined => describeAt(context.schema, path) ?? undefined;
  const problem = (message: string, hint?: string): Problem[] => [
    { path, at: 'value', message, hint, notSupported: false },
  ];
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownKeys(path, issue.keys, knownKeys(context.schema, path));
    case 'invalid_type':
      if (value === undefined) return problem(`${name} is missing`, description());
      return problem(
        `${name} must be ${expectedWord(issue)}, not ${describeValue(value)}`,
        (context.words.isYaml ? typeHint(issue, value) : undefined) ?? description(),
      );
    case 'invalid_value': {
      const words = issue.values.map(String);
      const near = typeof value === 'string' ? nearestWord(value, words) : null;
      if (value === undefined) return problem(`${name} is missing`, `write ${oneOf(words)}`);
      return problem(
        `${name} must be ${oneOf(words)}, not ${describeValue(value)}`,
        near === null ? undefined : `did you mean \`${near}\`?`,
      );
    }
    case 'invalid_union':
      if (issue.message !== 'Invalid input') return problem(`${name} ${issue.message}, not ${describeValue(value)}`);
      return translateUnion(issue.errors, path, value, context, description());
    case 'too_small':
    case 'too_big':
      return problem(`${name} ${sizeMessage(issue)}`);
    case 'invalid_key':
      return [{ path, at: 'key', message: `${name} cannot be used as a key here`, notSupported: false }];
    case 'custom': {
      const params = (issue.params ?? {}) as IssueParams; // all custom issues are made in grammar.ts or have no params
      const last = path.at(-1);
      const named = typeof last !== 'string' || issue.message.includes(`\`${last}\``) || params.notSupported === true;
      const prefix = named && typeof last !== 'number' ? '' : `${formatPath(path)}: `;
      const message = prefix + issue.message;
      const notSupported = params.notSupported ?? false;
      return [{ path, at: notSupported ? 'key' : 'value', message, hint: params.hint, notSupported }];
    }
    default:
      return problem(`${name} has a form that is not allowed: ${describeValue(value)}`, description());
  }
}

/** A value of several possible forms failed: the form that it comes nearest to explains it best. */
function translateUnion(
  branches: readonly (readonly Issue[])[],
  path: readonly (string | number)[],
  value: unknown,
  context: Context,
  description: string | undefined,
): Problem[] {
  const meant = branches
    .filter((issues) => !issues.some((issue) => isOfOtherType(issue, value)))
    .map((issues) => issues.flatMap((issue) => translate(issue, path, context)))
    .sort((a, b) => a.length - b.length)[0];
  if (meant !== undefined) return meant;
  const words = [...new Set(branches.flatMap((issues) => issues.flatMap((issue) => expectedWords(issue))))];
  const list =
    words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${words.at(-1)}` : (words[0] ?? 'something else');
  const name = `\`${formatPath(path)}\``;
  const message = value === undefined ? `${name} is missing` : `${name} must be ${list}, not ${describeValue(value)}`;
  return [{ path, at: 'value', message, hint: description, notSupported: false }];
}

function isOfOtherType(issue: Issue, value: unknown): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_type') return true;
  if (issue.code === 'invalid_value') return issue.values.every((expected) => typeof expected !== typeof value);
  if (issue.code === 'invalid_union') {
    return (
      issue.errors.length > 0 && issue.errors.every((branch) => branch.some((inner) => isOfOtherType(inner, value)))
    );
  }
  return false;
}

function expectedWords(issue: Issue): string[] {
  if (issue.path.length > 0) return [];
  if (issue.code === 'invalid_type') return [expectedWord(issue)];
  if (issue.code === 'invalid_value') return issue.values.map((value) => `\`${String(value)}\``);
  if (issue.code === 'invalid_union') return issue.errors.flatMap((branch) => branch.flatMap(expectedWords));
  return [];
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function expectedWord(issue: z.core.$ZodIssueInvalidType): string {
  return TYPE_WORDS[issue.expected] ?? issue.expected;
}

function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return quote(String(value));
}

/** Mistakes that YAML itself leads into. */
function typeHint(issue: z.core.$ZodIssueInvalidType, value: unknown): string | undefined {
  if (issue.expected === 'array' && value !== null && typeof value !== 'object')
    return `write it as a list: \`[${value}]\``;
  if (issue.expected !== 'string') return undefined;
  if (typeof value === 'number' || typeof value === 'boolean') return `put it in quotes: \`"${value}"\``;
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    return 'text that holds `: ` is read as a map: put it in quotes, or in a block after `|`';
  }
  return undefined;
}

/** The nearest known word is looked for only as often as it is told. */
function unknownKeys(path: readonly (string | number)[], keys: readonly string[], known: readonly string[]): Problem[] {
  return keys.map((key, at) => unknownKey(path, key, at < MOST_TOLD ? known : []));
}

function unknownKey(path: readonly (string | number)[], key: string, known: readonly string[]): Problem {
  const near = nearestWord(key, known);
  const where = path.length === 0 ? '' : ` in \`${formatPath(path)}\``;
  const hint =
    near !== null
      ? `did you mean \`${near}\`?`
      : known.length > 0 && known.length <= 12
        ? `known here: ${oneOf(known)}`
        : undefined;
  return { path: [...path, key], at: 'key', message: `unknown key ${quote(key)}${where}`, hint, notSupported: false };
}

function sizeMessage(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const small = issue.code === 'too_small';
  const limit = small ? issue.minimum : issue.maximum;
  const strict = issue.inclusive === false;
  if (issue.origin === 'string') return small ? 'must not be empty' : `must not have more than ${limit} characters`;
  if (issue.origin === 'array')
    return small ? 'must not be an empty list' : `can have at most ${limit} ${limit === 1 ? 'entry' : 'entries'}`;
  if (small) return strict ? `must be more than ${limit}` : `must be at least ${limit}`;
  return strict ? `must be less than ${limit}` : `must be at most ${limit}`;
}

function valueAt(root: unknown, path: readonly (string | number)[]): unknown {
  let value = root;
  for (const part of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part]; // a list or a map, as just checked
  }
  return value;
}
