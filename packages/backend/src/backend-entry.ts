import { BerthError, type ConfigIssue } from '@berth/core';
import { formatPath, type Problem, ProblemList } from '@berth/core/problems';
import { Secret } from '@berth/core/secret';
import { type ZodType, z } from 'zod';
import type { AnyBackendDefinition } from './contract.ts';
import { configProblems, credentialProblems, kindProblem, secretsInConfig } from './entry-problems.ts';
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

/** An entry that does not fit its backend. Each problem's path begins with `config` or `credentials`. */
export class EntryError extends BerthError {
  readonly problems: readonly Problem[];

  constructor(entry: BackendEntry, problems: readonly Problem[]) {
    const [first] = problems;
    super(
      'invalid-configuration',
      `Backend "${entry.name}" (type ${entry.type}) is not configured right: ${first?.message ?? ''}.`,
      { issues: problems.map(issueOf), hint: first?.hint ?? 'Correct the backend where it is written down.' },
    );
    this.problems = problems;
  }
}

/**
 * Parses config and credentials with the backend's own schemas (C11).
 * Throws `EntryError` with everything that is wrong; nothing of it shows a credential's value (C7).
 */
export async function parseBackendEntry(definition: AnyBackendDefinition, entry: BackendEntry): Promise<ParsedEntry> {
  const { kind, value } = entry.credentials;
  const schema = Object.hasOwn(definition.credentials, kind) ? definition.credentials[kind] : undefined;
  const { text: redact } = redactorFor(value);
  const config = await parse(definition.config, entry.config ?? {}, 'config', redact);
  const found = new ProblemList();
  if ('issues' in config) found.addAll(configProblems(definition, config.issues, entry));
  else if ('problem' in config) found.addAll([config.problem]);
  let credentials: unknown;
  if (schema === undefined) {
    found.addAll([kindProblem(definition, entry)]);
  } else {
    const parsed = await parse(schema, value ?? {}, 'credentials', redact);
    if ('issues' in parsed) found.addAll(credentialProblems(definition, kind, parsed.issues, value));
    else if ('problem' in parsed) found.addAll([parsed.problem]);
    else credentials = parsed.value;
  }
  found.addAll(secretsInConfig(entry.config, marked(credentials)));
  if (found.all.length > 0) throw new EntryError(entry, found.all.map(redacted(redact)));
  return { config: 'value' in config ? config.value : undefined, credentials };
}

type Parsed =
  | { readonly value: unknown }
  | { readonly issues: readonly z.core.$ZodIssue[] }
  | { readonly problem: Problem };

async function parse(
  schema: ZodType<unknown>,
  input: unknown,
  root: string,
  redact: (text: string) => string,
): Promise<Parsed> {
  try {
    const result = await strict(schema).safeParseAsync(input);
    return result.success ? { value: result.data } : { issues: result.error.issues };
  } catch (error) {
    // A schema may run code of the backend; that it throws is the backend's defect, shown where it happened.
    const message = redact(error instanceof Error ? error.message : String(error));
    const problem = `\`${root}\` could not be checked: ${message}`;
    return { problem: { path: [root], at: 'value', message: problem, notSupported: false } };
  }
}

/** Unknown keys are refused also where the author forgot to say so; an explicit catch-all stands. */
function strict(schema: ZodType<unknown>): ZodType<unknown> {
  return schema instanceof z.ZodObject && schema.def.catchall === undefined ? schema.strict() : schema;
}

/** Texts that the backend's author marked as secret. */
function marked(credentials: unknown): readonly string[] {
  if (credentials instanceof Secret) {
    const value: unknown = credentials.reveal();
    return typeof value === 'string' ? [value] : [];
  }
  return typeof credentials === 'object' && credentials !== null ? Object.values(credentials).flatMap(marked) : [];
}

const redacted =
  (redact: (text: string) => string) =>
  (problem: Problem): Problem => ({
    ...problem,
    path: problem.path.map((part) => (typeof part === 'string' ? redact(part) : part)),
    message: redact(problem.message),
    ...(problem.hint === undefined ? {} : { hint: redact(problem.hint) }),
  });

function issueOf({ path, message, hint }: Problem): ConfigIssue {
  return { path: formatPath(path), message, ...(hint === undefined ? {} : { hint }) };
}
