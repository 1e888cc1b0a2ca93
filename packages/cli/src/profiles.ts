import { homedir } from 'node:os';
import { join } from 'node:path';
import { BerthError } from '@berth/core/errors';
import type { Profile } from '@berth/core/profiles-file';
import { readConfigurationFile } from './configuration-file.ts';
import type { Context } from './context.ts';
import { rememberSource } from './output/error.ts';

export interface ProfileOptions {
  /** `--profile NAME`; false: `--no-profile`. */
  readonly profile?: string | false;
}

/**
 * The profile that the command line, else the environment names, else the default one of
 * `.berth/profiles.yml` here or in the home directory (and dstack's places for the same).
 * @throws BerthError
 */
export async function loadProfile(context: Context, options: ProfileOptions): Promise<Profile | null> {
  const { env } = context;
  if (options.profile === false) return null;
  if (options.profile === undefined && (env.BERTH_NO_PROFILE || env.DSTACK_NO_PROFILE)) return null;
  const name = options.profile ?? (env.BERTH_PROFILE || env.DSTACK_PROFILE || null);
  const places = [
    join(context.cwd, '.berth', 'profiles.yml'),
    join(context.cwd, '.dstack', 'profiles.yml'),
    join(context.home.root, 'profiles.yml'),
    join(homedir(), '.dstack', 'profiles.yml'),
  ];
  const profiles: Profile[] = [];
  for (const path of places) profiles.push(...(await readProfiles(path)));
  if (profiles.length === 0 && name === null) return null;
  const { selectProfile } = await import('@berth/core/profiles-file');
  return selectProfile(profiles, name);
}

async function readProfiles(path: string): Promise<Profile[]> {
  const { existsSync } = await import('node:fs');
  if (!existsSync(path)) return [];
  const source = await readConfigurationFile('/', path);
  const { parseProfiles } = await import('@berth/core/profiles-file');
  try {
    return parseProfiles(source.text, { file: path });
  } catch (error) {
    if (error instanceof BerthError) rememberSource(error, { file: path, text: source.text });
    throw error;
  }
}
