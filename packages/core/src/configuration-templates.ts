import { BerthError } from './errors.ts';
import { escapeTemplate, findReferences, hasReference, type Namespace, resolvePartly } from './interpolation.ts';
import { formatPath, type Problem } from './problems.ts';
import { quote } from './quote.ts';
import { quoteShellWord } from './shell-words.ts';

/** Which `${{ … }}` may stand in which field, and how those that the caller knows are resolved. */

type Path = readonly (string | number)[];

const ALLOWED: ReadonlyMap<string, readonly Namespace[]> = new Map([
  ['commands', ['run']],
  ['env', ['secrets']],
  ['registry_auth', ['env', 'secrets']],
]);

/** Data that does not come from a file has no limit of its own; nothing that is right is half as deep. */
const MAX_DEPTH = 100;

/** Every reference that is malformed, unknown or out of place. Looks at all strings, whatever their field. */
export function findTemplateProblems(root: unknown): Problem[] {
  return [...stringsOf(root, [])].flatMap(([path, text]) => {
    if (!text.includes('$')) return [];
    const allowed = ALLOWED.get(String(path[0])) ?? [];
    try {
      if (allowed.length === 0 && !hasReference(text)) return [];
      return findReferences(text)
        .filter((reference) => !allowed.includes(reference.namespace))
        .map((reference) => misplaced(path, `\${{ ${reference.namespace}.${reference.name} }}`, reference.name));
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      const notSupported = error.code === 'not-supported';
      return [
        {
          path,
          at: 'value' as const,
          message: `${formatPath(path)}: ${error.message}`,
          hint: error.hint,
          notSupported,
        },
      ];
    }
  });
}

function misplaced(path: Path, reference: string, name: string): Problem {
  const field = String(path[0]);
  const hint =
    field === 'commands'
      ? `set it in \`env\` (\`${name}: ${reference}\`) and write \`$${name}\` in the command`
      : `it can be used in ${Object.keys(ALLOWED)
          .map((key) => `\`${key}\``)
          .join(', ')}, each with its own names`;
  return {
    path,
    at: 'value',
    message: `${quote(reference)} cannot be used in \`${formatPath(path)}\``,
    hint,
    notSupported: false,
  };
}

export interface ArgumentsResult {
  /** Templates still, so that the result can be checked and resolved again. */
  readonly commands: readonly string[];
  /** False when no command has `${{ run.args }}`. */
  readonly used: boolean;
}

/** Puts the words after `--` in place of `${{ run.args }}`, each quoted for the shell. */
export function fillArguments(commands: readonly string[], args: readonly string[]): ArgumentsResult {
  const line = escapeTemplate(args.map(quoteShellWord).join(' '));
  let used = false;
  const filled = commands.map((command) =>
    resolvePartly(command, () => {
      used = true;
      return line;
    }),
  );
  return { commands: filled, used };
}

/**
 * `${{ env.NAME }}` of `registry_auth` from the variables of the job; `secrets` are left.
 * @throws BerthError `invalid-configuration` when there is no such variable
 */
export function fillEnv(template: string, env: Readonly<Record<string, string>>): string {
  return resolvePartly(template, (reference) => {
    if (reference.namespace !== 'env') return null;
    const value = Object.hasOwn(env, reference.name) ? env[reference.name] : undefined;
    if (value !== undefined) return value;
    throw new BerthError('invalid-configuration', `${quote(reference.name)} is not set in \`env\``, {
      hint: `add it to \`env\`: \`env: [${reference.name}]\` takes it from your environment`,
    });
  });
}

function* stringsOf(value: unknown, path: Path): Generator<readonly [Path, string]> {
  if (path.length > MAX_DEPTH) {
    throw new BerthError('invalid-configuration', 'the configuration cannot be used as it is', {
      issues: [
        { path: formatPath(path.slice(0, 3)), message: `maps and lists are nested more than ${MAX_DEPTH} deep` },
      ],
    });
  }
  if (typeof value === 'string') {
    yield [path, value];
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* stringsOf(item, [...path, index]);
  } else if (value !== null && typeof value === 'object') {
    for (const [key, item] of Object.entries(value)) yield* stringsOf(item, [...path, key]);
  }
}
