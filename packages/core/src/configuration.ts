import { checkResources, readFields } from './check-fields.ts';
import { checkTask } from './check-task.ts';
import { findTemplateProblems } from './configuration-templates.ts';
import { BerthError, type ConfigIssue } from './errors.ts';
import { type FleetFields, fleetSchema } from './fleet.ts';
import type { AcceleratorLookup } from './gpu-spec.ts';
import { nearestWord } from './nearest.ts';
import { formatPath, MOST_TOLD, type Problem, ProblemList } from './problems.ts';
import { oneOf, quote } from './quote.ts';
import type { TaskFields } from './task.ts';

/**
 * A configuration as plain data, checked. The file's text comes in by `parse-configuration.ts`; the
 * server gets what that made of it (`source`) and checks it again here.
 */

export type JsonMap = Readonly<Record<string, unknown>>;

export interface CheckedTask {
  readonly type: 'task';
  /** Null: one is to be made up. */
  readonly name: string | null;
  readonly fields: ResolvedTask;
  readonly source: JsonMap;
}

/** Fields in which everything that the caller knows is filled in. */
export interface ResolvedTask extends Omit<TaskFields, 'env' | 'commands' | 'registry_auth'> {
  /** Plain text. */
  readonly commands: readonly string[];
  /** Templates that hold nothing but `${{ secrets.NAME }}`. */
  readonly env: Readonly<Record<string, string>>;
  readonly registry_auth: { readonly username: string; readonly password: string } | null;
}

export interface CheckedFleet {
  readonly type: 'fleet';
  readonly name: string | null;
  readonly fields: FleetFields;
  readonly source: JsonMap;
}

/**
 * `source` is the configuration as it is sent, kept and compared on re-apply: the user's own keys and
 * spelling, with profile, command line, `env` and `run.args` filled in. Checking it gives itself.
 */
export type Configuration = CheckedTask | CheckedFleet;

export interface CheckOptions {
  /** How messages call it. */
  readonly file?: string;
  /** Where `env: [NAME]` is taken from; nowhere when left out. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The words of `${{ run.args }}`; null: the caller cannot give any. */
  readonly args?: readonly string[] | null;
  readonly accelerators?: AcceleratorLookup;
  /** Line and column of a problem; undefined: it does not come from the file. */
  readonly locate?: (problem: Problem) => { readonly line: number; readonly column: number } | undefined;
}

export const CONFIGURATION_TYPES = ['task', 'fleet'] as const;
const LATER_TYPES = ['service', 'dev-environment', 'volume', 'gateway', 'preset'];

/**
 * @param source plain data, as from JSON
 * @throws BerthError `invalid-configuration` with every problem, or `not-supported` when all of them are
 *   things that come later
 */
export function checkConfiguration(source: unknown, options: CheckOptions = {}): Configuration {
  const problems = new ProblemList();
  const type = readType(source, problems);
  let checked: Configuration | null = null;
  if (type !== null) {
    problems.addAll(findTemplateProblems(source));
    const map = source as JsonMap; // readType has seen a map
    checked = type === 'task' ? checkTask(map, problems, options) : checkFleet(map, problems, options);
  }
  if (checked === null || problems.all.length > 0) throw configurationError(problems.all, options);
  return checked;
}

/** The one error for a file with these problems, in the file's order; of very many, the first and how many there are. */
export function configurationError(found: readonly Problem[], options: CheckOptions): BerthError {
  const file = options.file ?? 'the configuration';
  const all = found.filter(({ omitted }) => omitted === undefined);
  const problems = all.slice(0, MOST_TOLD);
  const omitted = found.reduce((sum, problem) => sum + (problem.omitted ?? 0), all.length - problems.length);
  const issues = problems.map((problem): ConfigIssue => {
    const { message, hint } = problem;
    const place = options.locate?.(problem);
    return { path: formatPath(problem.path), message, ...place, ...(hint === undefined ? {} : { hint }) };
  });
  issues.sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || (a.column ?? 0) - (b.column ?? 0) || 0);
  const later = problems.every((problem) => problem.notSupported);
  return new BerthError(
    later ? 'not-supported' : 'invalid-configuration',
    `${file} ${later ? 'asks for what is not yet supported' : 'cannot be used as it is'}${
      omitted === 0 ? '' : ` (the first ${issues.length} of ${issues.length + omitted} mistakes are listed)`
    }`,
    { issues, details: { file, ...(omitted === 0 ? {} : { omitted }) } },
  );
}

function readType(source: unknown, problems: ProblemList): (typeof CONFIGURATION_TYPES)[number] | null {
  const write = `write ${oneOf(CONFIGURATION_TYPES.map((type) => `type: ${type}`))}`;
  if (source === null || typeof source !== 'object' || Array.isArray(source)) {
    problems.add([], 'a configuration is a map of keys', { hint: write });
    return null;
  }
  const { type, profiles } = source as { type?: unknown; profiles?: unknown }; // any map may be read so
  const known = CONFIGURATION_TYPES.find((word) => word === type);
  if (known !== undefined) return known;
  if (type == null && profiles !== undefined) {
    const hint = 'apply a configuration, and choose one of the profiles with `--profile`';
    problems.add(['profiles'], 'profiles cannot be applied', { at: 'key', hint });
  } else if (type == null) {
    problems.add(['type'], '`type` is missing', { hint: write });
  } else if (LATER_TYPES.some((word) => word === type)) {
    problems.add(['type'], `\`type: ${String(type)}\` is not yet supported`, { hint: write, notSupported: true });
  } else {
    const near = typeof type === 'string' ? nearestWord(type, [...CONFIGURATION_TYPES, ...LATER_TYPES]) : null;
    const shown = typeof type === 'object' ? 'this' : quote(String(type));
    problems.add(['type'], `\`type\` cannot be ${shown}`, {
      hint: near === null ? write : `did you mean \`${near}\`?`,
    });
  }
  return null;
}

function checkFleet(source: JsonMap, problems: ProblemList, options: CheckOptions): CheckedFleet | null {
  const fleet = readFields(source, fleetSchema, problems);
  const resources = checkResources(source.resources, problems, options.accelerators);
  return fleet === null ? null : { type: 'fleet', name: fleet.name ?? null, fields: { ...fleet, resources }, source };
}
