import { BerthError } from '@berth/core/errors';
import type { Home } from '../home.ts';
import { usageError } from '../usage-error.ts';
import { readConfig } from './config-file.ts';
import type { ProjectEntry } from './project-entry.ts';
import { checkToken } from './refused-token.ts';

/** The server that a command talks to, as which user, in which project. */
export interface Target {
  readonly url: string;
  readonly token: string;
  readonly project: string;
  /** Where this comes from; only a server of `config.yml` can be the embedded one. */
  readonly source: 'environment' | 'config';
  readonly tokenFrom: TokenSetting;
}

/** Where a token was set, for messages about it. */
export type TokenSetting =
  /** `insteadOf`: the file whose token BERTH_TOKEN hides. */
  | { readonly kind: 'environment'; readonly insteadOf: string | null }
  /** Typed, piped, or a word of the command. */
  | { readonly kind: 'given' }
  | { readonly kind: 'config'; readonly file: string; readonly project: string };

/** The project that every server is born with. */
export const FIRST_PROJECT = 'main';

/**
 * The environment first, then the entry of `config.yml` with the wanted name, then the default entry.
 * A project that no entry names is looked for on the default entry's server, under the same token.
 * @returns null when nothing is configured: the embedded server is meant
 * @throws BerthError
 */
export async function findTarget(env: NodeJS.ProcessEnv, home: Home, option: string | null): Promise<Target | null> {
  const wanted = option ?? (env.BERTH_PROJECT || null);
  const { BERTH_SERVER_URL: url, BERTH_TOKEN: token } = env;
  if (url) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw usageError(
        `BERTH_SERVER_URL is \`${url}\`, which is not a URL`,
        'write, for example, https://berth.example:3000',
      );
    }
    if (!token) {
      throw new BerthError('unauthenticated', 'BERTH_SERVER_URL is set, but BERTH_TOKEN is not', {
        hint: 'set both: `berth user token create` makes a token',
      });
    }
    const tokenFrom = { kind: 'environment', insteadOf: null } as const;
    checkToken(token, url, tokenFrom);
    const address = url.replace(/\/+$/, '');
    return { url: address, token, project: wanted ?? FIRST_PROJECT, source: 'environment', tokenFrom };
  }
  const entries = await readConfig(home.config);
  if (entries.length === 0) return null;
  const entry = entries.find((candidate) => candidate.name === wanted) ?? defaultEntry(entries, home);
  const tokenFrom: TokenSetting = token
    ? { kind: 'environment', insteadOf: home.config }
    : { kind: 'config', file: home.config, project: entry.name };
  const chosen = token || entry.token;
  checkToken(chosen, entry.url, tokenFrom);
  return { url: entry.url, token: chosen, project: wanted ?? entry.name, source: 'config', tokenFrom };
}

function defaultEntry(entries: readonly ProjectEntry[], home: Home): ProjectEntry {
  const found = entries.find((entry) => entry.isDefault) ?? (entries.length === 1 ? entries[0] : undefined);
  if (found !== undefined) return found;
  const names = entries.map((entry) => entry.name);
  throw usageError(
    `no project of ${home.config} is the default one`,
    `choose one with \`berth project set-default\`, or with \`--project\`: ${names.join(', ')}`,
  );
}
