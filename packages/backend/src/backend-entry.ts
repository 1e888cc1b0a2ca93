import { BerthError, type ConfigIssue } from '@berth/core';
import { nearestWord } from '@berth/core/nearest';
import { type ZodType, z } from 'zod';
import type { AnyBackendDefinition } from './contract.ts';
import { redactorFor } from './redaction.ts';

/** A backend as a person wrote it down for a project; nothing of it is checked yet. */
export interface BackendEntry {
  /** Unique in the project; offers carry it. */
  readonly name: string;
  readonly type: string;
  readonly config: unknown;
  readonly credentials: {
    /** One of the definition's kinds; `default` needs no value. */
    readonly kind: string;
    readonly value: unknown;
  };
}

export interface ParsedEntry {
  readonly config: unknown;
  readonly credentials: unknown;
}

/**
 * Parses config and credentials with the backend's own schemas (C11).
 * Throws `BerthError` `invalid-configuration` with one issue per mistake; no issue shows a credential's value (C7).
 */
export async function parseBackendEntry(definition: AnyBackendDefinition, entry: BackendEntry): Promise<ParsedEntry> {
  const { kind } = entry.credentials;
  const kinds = Object.keys(definition.credentials);
  const schema = Object.hasOwn(definition.credentials, kind) ? definition.credentials[kind] : undefined;
  if (schema === undefined) {
    const issue = { path: 'credentials', message: `There is no kind of credentials "${kind}".`, hint: oneOf(kinds) };
    throw invalid(entry, [issue]);
  }
  const { text: redact } = redactorFor(entry.credentials.value);
  const config = await parse(definition.config, entry.config ?? {}, 'config', redact);
  const credentials = await parse(schema, entry.credentials.value ?? {}, 'credentials', redact);
  const issues = [...config.issues, ...credentials.issues];
  if (issues.length > 0) throw invalid(entry, issues);
  return { config: config.value, credentials: credentials.value };
}

interface Parsed {
  readonly value: unknown;
  readonly issues: readonly ConfigIssue[];
}

async function parse(
  schema: ZodType<unknown>,
  input: unknown,
  root: string,
  redact: (text: string) => string,
): Promise<Parsed> {
  let result: z.ZodSafeParseResult<unknown>;
  try {
    result = await strict(schema).safeParseAsync(input);
  } catch (error) {
    // A schema may run code of the backend; that it throws is the backend's defect, shown where it happened.
    const message = redact(error instanceof Error ? error.message : String(error));
    return { value: null, issues: [{ path: root, message: `It could not be checked: ${message}` }] };
  }
  if (result.success) return { value: result.data, issues: [] };
  return { value: null, issues: result.error.issues.flatMap((issue) => issuesOf(issue, schema, root, redact)) };
}

/** Unknown keys are refused also where the author forgot to say so; an explicit catch-all stands. */
function strict(schema: ZodType<unknown>): ZodType<unknown> {
  return schema instanceof z.ZodObject && schema.def.catchall === undefined ? schema.strict() : schema;
}

function issuesOf(
  issue: z.core.$ZodIssue,
  schema: ZodType<unknown>,
  root: string,
  redact: (text: string) => string,
): readonly ConfigIssue[] {
  const path = pathText([root, ...issue.path]);
  if (issue.code !== 'unrecognized_keys') return [{ path, message: `${redact(issue.message)}.` }];
  const known = issue.path.length === 0 && schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  return issue.keys.map((key) => {
    const nearest = nearestWord(key, known);
    const hint = nearest !== null ? `Did you mean \`${nearest}\`?` : known.length > 0 ? oneOf(known) : undefined;
    const message = `There is no key \`${redact(key)}\` here.`;
    return { path, message, ...(hint === undefined ? {} : { hint }) };
  });
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

function invalid(entry: BackendEntry, issues: readonly ConfigIssue[]): BerthError {
  const first = issues[0];
  const where = first === undefined ? '' : ` ${first.path}: ${first.message}`;
  return new BerthError(
    'invalid-configuration',
    `Backend "${entry.name}" (type ${entry.type}) is not configured right:${where}`,
    { issues, hint: first?.hint ?? 'Correct the backend in the server configuration.' },
  );
}

function oneOf(words: readonly string[]): string {
  return `Known here: ${words.map((word) => `\`${word}\``).join(', ')}.`;
}
