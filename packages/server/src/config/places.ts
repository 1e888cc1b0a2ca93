/**
 * Where a server's state lies: what must be known before anything can be opened. It stands in the home's
 * config.yml or in the environment, and is read by itself, so that a mistake elsewhere in that file never
 * sends a server to another database.
 */
import { isAbsolute, join } from 'node:path';
import { BerthError } from '@berth/core/errors';
import { Secret } from '@berth/core/secret';
import { z } from 'zod';
import { isMissing } from '../logs/job-log.ts';
import { MAX_CONFIG_BYTES, readRegularFile } from './read-regular-file.ts';

export interface Places {
  /** URL of a PostgreSQL database; null: SQLite in the home. */
  readonly database: Secret<string> | null;
  /** Folder that all servers of the database see; null: the home itself. */
  readonly shared: string | null;
}

/** With `+asyncpg` as dstack's users have it. */
const POSTGRES = /^postgres(?:ql)?(?:\+asyncpg)?:\/\//;

/** As keys of config.yml. */
export const placesShape = {
  database: z
    .string()
    .max(2000)
    .refine((url) => POSTGRES.test(url), 'must be postgresql://user:password@host/database')
    .nullish(),
  shared: z
    .string()
    .max(1000)
    .refine((dir) => isAbsolute(dir), 'must be an absolute path')
    .nullish(),
};

const placesSchema = z.object(placesShape);

/**
 * The environment (`BERTH_DATABASE_URL` or `DSTACK_DATABASE_URL`, `BERTH_SHARED_DIR`) goes before the file.
 * @param path config.yml of the home
 * @throws BerthError `invalid-configuration`, also when the file names a database and cannot be read as YAML
 */
export async function readPlaces(path: string, env: NodeJS.ProcessEnv): Promise<Places> {
  const { database, shared, ...others } = await writtenIn(path, Boolean(env.BERTH_SHARED_DIR));
  const checked = placesSchema.safeParse({
    database: env.BERTH_DATABASE_URL || env.DSTACK_DATABASE_URL || database,
    shared: env.BERTH_SHARED_DIR || shared,
  });
  if (!checked.success) {
    const [issue] = checked.error.issues;
    // The value is not repeated: it may hold a password.
    throw new BerthError('invalid-configuration', `\`${issue?.path.join('.')}\` ${issue?.message}.`, {
      hint: `It stands in ${path}, or in the environment (BERTH_DATABASE_URL, BERTH_SHARED_DIR).`,
    });
  }
  const url = checked.data.database ?? null;
  const folder = checked.data.shared ?? null;
  const isElsewhere = folder !== null && join(folder, 'server', 'config.yml') !== path;
  if (isElsewhere && Object.keys(others).length > 0) {
    const message = `With a shared folder, ${path} may hold \`database\` and \`shared\` only, not \`${Object.keys(others)[0]}\`.`;
    throw new BerthError('invalid-configuration', message, {
      hint: `What all servers have in common stands in ${join(folder, 'server', 'config.yml')}: move it there.`,
    });
  }
  if (isElsewhere && url === null) {
    // Each would believe that the machines of the others are on no book.
    throw new BerthError('invalid-configuration', `${folder} is to be shared, but no database is.`, {
      hint: 'Servers that share a folder need one PostgreSQL: name it as `database`, or in BERTH_DATABASE_URL.',
    });
  }
  return {
    database: url === null ? null : new Secret(url.replace(POSTGRES, 'postgresql://')),
    shared: isElsewhere ? folder : null,
  };
}

/** The keys of the file. Most homes have none of those that matter, and need no YAML parser before everything else. */
async function writtenIn(path: string, always: boolean): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = readRegularFile(path, MAX_CONFIG_BYTES);
  } catch (error) {
    if (isMissing(error)) return {};
    throw error;
  }
  if (!always && !/\b(?:database|shared)\b/.test(text)) return {};
  const { parseConfigYaml } = await import('./parse-config-yaml.ts');
  if (text.split('\n').every((line) => /^\s*(#.*)?$/.test(line))) return {};
  const { root } = parseConfigYaml(text, path);
  return typeof root === 'object' && root !== null && !Array.isArray(root) ? { ...root } : {};
}
