import { type CheckOptions, type Configuration, checkConfiguration, type JsonMap } from './configuration.ts';
import { parseEnvEntry } from './env-spec.ts';
import { inheritedFrom, type Profile } from './profiles-file.ts';
import { parseYaml } from './yaml.ts';
import { restoreText } from './yaml-text.ts';

export interface ParseConfigurationOptions extends Omit<CheckOptions, 'locate'> {
  readonly file: string;
  /** Bytes of UTF-8. */
  readonly maxBytes?: number;
  readonly profile?: Profile | null;
  /** Values of the command line, by key of the configuration; they win over the file. `resources` is merged key by key. */
  readonly overrides?: JsonMap;
  /** `-e NAME=value` and `-e NAME` of the command line; they win over the file. */
  readonly extraEnv?: readonly string[];
}

/**
 * The text of a configuration file, checked and with everything filled in that the caller knows:
 * profile, command line, variables of its environment, arguments.
 * @throws BerthError `too-large`, `invalid-configuration` or `not-supported`; `issues` say where
 */
export function parseConfiguration(text: string, options: ParseConfigurationOptions): Configuration {
  const document = parseYaml(text, options);
  const written = restoreText(document.root, (path) => document.plainText(path));
  const inherited = options.profile == null ? {} : inheritedFrom(options.profile, written);
  const overrides = Object.fromEntries(
    Object.entries(options.overrides ?? {}).filter(([, value]) => value !== undefined),
  );
  // Problems in what did not come from this file are shown without a place in it.
  const foreign = new Set([...Object.keys(inherited), ...Object.keys(overrides)].filter((key) => key !== 'resources'));
  if (isMap(overrides.resources)) {
    for (const key of Object.keys(overrides.resources)) foreign.add(`resources.${key}`);
    overrides.resources = { ...(isMap(written.resources) ? written.resources : {}), ...overrides.resources };
  }
  const extra = options.extraEnv ?? [];
  if (extra.length > 0) overrides.env = mergeEnv(written.env, extra);
  return checkConfiguration(
    { ...written, ...inherited, ...overrides },
    {
      args: [],
      ...options,
      locate: ({ path, at }) => {
        const outside = foreign.has(String(path[0])) || foreign.has(path.slice(0, 2).join('.'));
        return outside ? undefined : document.position(path, at);
      },
    },
  );
}

/** The file's variables without those that the command line gives, and then those. */
function mergeEnv(env: unknown, extra: readonly string[]): unknown {
  const given = new Set(extra.map((entry) => parseEnvEntry(entry).name));
  const isGiven = (entry: unknown): boolean => typeof entry === 'string' && given.has(entry.split('=', 1)[0] ?? '');
  if (env == null) return extra;
  if (Array.isArray(env)) return [...env.filter((entry) => !isGiven(entry)), ...extra];
  // What is wrong is reported as it stands.
  if (!isMap(env) || Object.values(env).some((value) => typeof value === 'object')) return env;
  const kept = Object.entries(env).filter(([name]) => !given.has(name));
  return [...kept.map(([name, value]) => `${name}=${String(value)}`), ...extra];
}

function isMap(value: unknown): value is JsonMap {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
