import { z } from 'zod';
import { type AnyBackendDefinition, BACKEND_TYPE, type BackendKind } from './contract.ts';
import { STARTS_OF } from './facet-shape.ts';
import { SHORTEST_NAME_LIMIT } from './machine-name.ts';

/**
 * What is wrong with a module's default export as a backend definition, one sentence per defect, each
 * with the number of the rule in `contract.ts`; empty: nothing. Types cannot stand in for this: the
 * module may be JavaScript, or may have been compiled against another version of the contract.
 */
export function definitionProblems(value: unknown): readonly string[] {
  if (value === undefined) return ['it has no default export (C9)'];
  if (!isRecord(value)) return [`its default export is ${kindOf(value)}, not a backend definition (C9)`];
  const problems: string[] = [];
  if (typeof value.type !== 'string' || !BACKEND_TYPE.test(value.type)) {
    problems.push('`type` must be a word like "fluffy-cloud", at most 31 characters of [a-z0-9-] (C10)');
  }
  if (typeof value.title !== 'string' || value.title.trim() === '') problems.push('`title` is missing (C10)');
  if (!isKind(value.kind)) problems.push('`kind` must be "vm" or "container" (C10)');
  problems.push(...credentialProblems(value.credentials));
  if (!isSchema(value.config)) problems.push('`config` must be a zod schema (C11)');
  problems.push(...catalogProblems(value.catalog), ...computeProblems(value));
  return problems;
}

/** All that creating machines takes, or nothing of it (C13). */
function computeProblems(value: Readonly<Record<string, unknown>>): readonly string[] {
  const { limits, configure, compute, catalog, agentStart, kind } = value;
  const hasPrices = isRecord(catalog) && (catalog.kind === 'offline' || catalog.kind === 'online');
  if (hasPrices && limits === undefined && configure === undefined && compute === undefined) return [];
  const problems = [...limitProblems(limits)];
  const starts: readonly unknown[] = isKind(kind) ? STARTS_OF[kind] : [];
  if (isKind(kind) && !starts.includes(agentStart)) {
    problems.push(
      `\`agentStart\` of kind "${kind}" must be ${STARTS_OF[kind].map((one) => `"${one}"`).join(' or ')} (C10)`,
    );
  }
  if (typeof configure !== 'function') problems.push('`configure` must be a function (C10)');
  if (typeof compute !== 'function') problems.push('`compute` must be a function (C10)');
  return problems;
}

/** The one place where an imported value becomes a definition. */
export function isBackendDefinition(value: unknown): value is AnyBackendDefinition {
  return definitionProblems(value).length === 0;
}

function limitProblems(limits: unknown): readonly string[] {
  if (!isRecord(limits)) return ['`limits` is missing (C10)'];
  const problems: string[] = [];
  if (!(typeof limits.nameLength === 'number' && limits.nameLength >= SHORTEST_NAME_LIMIT)) {
    problems.push(`\`limits.nameLength\` must be a number of characters, at least ${SHORTEST_NAME_LIMIT} (C10)`);
  }
  if (typeof limits.tags !== 'boolean') problems.push('`limits.tags` must be true or false (C10)');
  if (!isPositive(limits.provisioningTimeoutMs)) {
    problems.push('`limits.provisioningTimeoutMs` must be a number of milliseconds (C10)');
  }
  if (limits.listLagMs !== undefined && !(typeof limits.listLagMs === 'number' && limits.listLagMs >= 0)) {
    problems.push('`limits.listLagMs` must be a number of milliseconds, 0 for none (C10)');
  }
  return problems;
}

function credentialProblems(credentials: unknown): readonly string[] {
  if (!isRecord(credentials) || Object.keys(credentials).length === 0) {
    return ['`credentials` must name at least one kind of credentials (C11)'];
  }
  return Object.entries(credentials)
    .filter(([, schema]) => !isSchema(schema))
    .map(([kind]) => `\`credentials.${kind}\` must be a zod schema (C11)`);
}

const CREDENTIAL_NEEDS: readonly unknown[] = ['none', 'optional', 'required'];

function catalogProblems(catalog: unknown): readonly string[] {
  if (!isRecord(catalog)) return ['`catalog` must be made by `offline`, `online` or `owned` (C10)'];
  const problems: string[] = [];
  switch (catalog.kind) {
    case 'owned':
      if (typeof catalog.query !== 'function') problems.push('`catalog.query` must be a function (C10)');
      return [...problems, ...cacheProblems(catalog)];
    case 'offline':
      return collectProblems(catalog);
    case 'online':
      return [...collectProblems(catalog), ...cacheProblems(catalog)];
    default:
      return ['`catalog` must be made by `offline`, `online` or `owned` (C10)'];
  }
}

function collectProblems(catalog: Readonly<Record<string, unknown>>): readonly string[] {
  const problems: string[] = [];
  if (typeof catalog.collect !== 'function') problems.push('`catalog.collect` must be a function (C10)');
  if (!CREDENTIAL_NEEDS.includes(catalog.credentials)) {
    problems.push('`catalog.credentials` must be "none", "optional" or "required" (C10)');
  }
  if (!Array.isArray(catalog.rules)) problems.push('`catalog.rules` must be a list of rules, empty for none (C10)');
  return problems;
}

function cacheProblems(catalog: Readonly<Record<string, unknown>>): readonly string[] {
  if (typeof catalog.cacheForMs === 'number' && catalog.cacheForMs >= 0) return [];
  return ['`catalog.cacheForMs` must be a number of milliseconds, 0 for no cache (C10)'];
}

/** By what it does and not by class: a backend installed elsewhere brings its own copy of zod. */
function isSchema(value: unknown): boolean {
  return value instanceof z.ZodType || (isRecord(value) && typeof value.safeParseAsync === 'function');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isKind(value: unknown): value is BackendKind {
  return value === 'vm' || value === 'container';
}

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && value > 0;
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}
