import { type CheckOptions, configurationError, type JsonMap } from './configuration.ts';
import { BerthError } from './errors.ts';
import { nearestWord } from './nearest.ts';
import { ProblemList } from './problems.ts';
import { placementShape, profileShape, profilesFileSchema } from './profile.ts';
import { oneOf, quote } from './quote.ts';
import { problemsOf } from './schema-issues.ts';
import { parseYaml } from './yaml.ts';
import { restoreText } from './yaml-text.ts';

/** One entry of a `profiles.yml`. */
export interface Profile {
  readonly name: string;
  readonly isDefault: boolean;
  /** Its parameters as written. */
  readonly parameters: JsonMap;
}

/**
 * @throws BerthError `too-large`, `invalid-configuration` or `not-supported`, as for a configuration
 */
export function parseProfiles(text: string, options: { readonly file: string; readonly maxBytes?: number }): Profile[] {
  const document = parseYaml(text, options);
  const locate: CheckOptions['locate'] = (problem) => document.position(problem.path, problem.at);
  const root = {
    ...document.root,
    ...(Array.isArray(document.root.profiles)
      ? {
          profiles: document.root.profiles.map((entry, index) =>
            entry !== null && typeof entry === 'object' && !Array.isArray(entry)
              ? restoreText(entry, (path) => document.plainText(['profiles', index, ...path]))
              : entry,
          ),
        }
      : {}),
  };
  const parsed = profilesFileSchema.safeParse(root);
  if (!parsed.success) {
    throw configurationError(problemsOf(parsed.error.issues, profilesFileSchema, root), { ...options, locate });
  }
  const problems = new ProblemList();
  const profiles = parsed.data.profiles.map(({ name, default: isDefault }, index): Profile => {
    // The schema has just seen a list of maps here.
    const { name: _name, default: _default, ...parameters } = (root.profiles as Record<string, unknown>[])[index] ?? {};
    return { name, isDefault: isDefault ?? false, parameters };
  });
  for (const [index, { name, isDefault }] of profiles.entries()) {
    const before = profiles.slice(0, index);
    if (before.some((other) => other.name === name)) {
      problems.add(['profiles', index, 'name'], `the profile ${quote(name)} is given twice`);
    }
    if (isDefault && before.some((other) => other.isDefault)) {
      problems.add(['profiles', index, 'default'], 'there is a default profile already');
    }
  }
  if (problems.all.length > 0) throw configurationError(problems.all, { ...options, locate });
  return profiles;
}

/**
 * The profile of that name, or without a name the default one, or null. Those of the project come before
 * those of the home directory: give them in that order.
 * @throws BerthError `not-found` when no profile has the name
 */
export function selectProfile(profiles: readonly Profile[], name: string | null): Profile | null {
  if (name === null) return profiles.find((profile) => profile.isDefault) ?? null;
  const found = profiles.find((profile) => profile.name === name);
  if (found !== undefined) return found;
  const names = [...new Set(profiles.map((profile) => profile.name))];
  const near = nearestWord(name, names);
  const hint = near !== null ? `did you mean \`${near}\`?` : names.length > 0 ? `there are ${oneOf(names)}` : undefined;
  throw new BerthError('not-found', `there is no profile ${quote(name)}`, hint === undefined ? {} : { hint });
}

/**
 * The parameters of a profile that a configuration takes over: whole values of the keys that it does not
 * set itself, as in dstack. A fleet takes only those that fleets have.
 */
export function inheritedFrom(profile: Profile, configuration: JsonMap): JsonMap {
  const shape: JsonMap = configuration.type === 'fleet' ? placementShape : profileShape;
  return Object.fromEntries(
    Object.entries(profile.parameters).filter(
      ([key, value]) => value !== null && Object.hasOwn(shape, key) && configuration[key] == null,
    ),
  );
}
