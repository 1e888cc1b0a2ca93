import { type AnyBackendDefinition, type BackendEntry, parseBackendEntry } from '@berth/backend';
import { BerthError } from '@berth/core/errors';
import { z } from 'zod';

export interface CredentialPlaces {
  /** All backends that config.yml names, in its order. */
  readonly entries: readonly BackendEntry[];
  /** `BERTH_CATALOG_<TYPE>_<FIELD>`. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface SourceAccount {
  /** Null where the source needs none and there are none. */
  readonly credentials: unknown;
  /** Of the backend that the credentials are from; null: they are from no backend. */
  readonly config: unknown;
}

const NOBODY: SourceAccount = { credentials: null, config: null };

/**
 * What a source is collected with: from the environment, else from the first backend of its type in config.yml.
 * @throws BerthError `invalid-configuration` when it needs some and there are none, or those do not fit
 */
export async function accountFor(definition: AnyBackendDefinition, places: CredentialPlaces): Promise<SourceAccount> {
  const { catalog, type } = definition;
  if (catalog.kind === 'owned' || catalog.credentials === 'none') return NOBODY;
  const fromEnv = await accountOfEnv(definition, places.env);
  if (fromEnv !== null) return fromEnv;
  const entry = places.entries.find((one) => one.type === type);
  if (entry !== undefined) return await parseAccount(definition, entry);
  if (catalog.credentials === 'optional') return NOBODY;
  throw new BerthError(
    'invalid-configuration',
    `${definition.title} tells its prices only to those who have an account.`,
    {
      hint: `Set ${variablesOf(definition).join(', ')}, or name a backend of type ${type} in the server's config.yml.`,
    },
  );
}

/** Null: no variable is set. A kind of credentials is meant when its schema takes the fields that are set. */
async function accountOfEnv(
  definition: AnyBackendDefinition,
  env: CredentialPlaces['env'],
): Promise<SourceAccount | null> {
  const prefix = prefixOf(definition.type);
  const set = Object.entries(env).flatMap(([name, value]) =>
    name.startsWith(prefix) && value ? [[name.slice(prefix.length).toLowerCase(), value] as const] : [],
  );
  if (set.length === 0) return null;
  const { kind, ...value } = { kind: undefined, ...Object.fromEntries(set) };
  const kinds = kind === undefined ? Object.keys(definition.credentials) : [kind];
  let refusal: unknown = null;
  for (const one of kinds) {
    const entry = { name: definition.type, type: definition.type, config: {}, credentials: { kind: one, value } };
    try {
      return { ...(await parseAccount(definition, entry)), config: null };
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal;
}

/** Most price lists need no config; one that does, says itself what is missing. */
async function parseAccount(definition: AnyBackendDefinition, entry: BackendEntry): Promise<SourceAccount> {
  const { credentials } = await parseBackendEntry({ ...definition, config: z.unknown() }, entry);
  const config = await definition.config.safeParseAsync(entry.config ?? {});
  return { credentials, config: config.success ? config.data : null };
}

function prefixOf(type: string): string {
  return `BERTH_CATALOG_${type.toUpperCase().replaceAll('-', '_')}_`;
}

/** For a person: which variables would do. */
function variablesOf(definition: AnyBackendDefinition): string[] {
  const fields = Object.entries(definition.credentials).flatMap(([kind, schema]) => {
    if (kind === 'default' || !('shape' in schema)) return [];
    return Object.keys(schema.shape as object); // zod's objects have one
  });
  const prefix = prefixOf(definition.type);
  return [...new Set(fields.length === 0 ? ['FIELD'] : fields)].map((field) => prefix + field.toUpperCase());
}
