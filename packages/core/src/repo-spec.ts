import { z } from 'zod';
import { BerthError } from './errors.ts';
import { attempt, textOf } from './grammar.ts';
import { quote } from './quote.ts';

/** Code that a job starts with. */
export interface RepoSpec {
  readonly source: { readonly kind: 'local'; readonly path: string } | { readonly kind: 'url'; readonly url: string };
  /** Where it goes: absolute, `~/…`, or relative to the working directory. */
  readonly path: string;
  /** Only with a URL; null: the remote's default branch. */
  readonly branch: string | null;
  readonly hash: string | null;
  readonly ifExists: 'error' | 'skip';
}

const URL_START = /^[a-z][a-z0-9+.-]*:\/\//i;
/** `git@host:path`, as git itself takes it. */
const SCP_LIKE = /^[^/:\s]+@[^/:\s]+:./;
/** The part after the last colon, where it can only be a path in the job. */
const TARGET = /^(.+):((?:\/(?!\/)|~|\.)[^:]*)$/;

/**
 * `path`, `url`, or either with `:/path/in/the/job`.
 * @throws BerthError `invalid-configuration`
 */
export function parseRepo(text: string): RepoSpec {
  const trimmed = text.trim();
  if (trimmed === '') throw new BerthError('invalid-configuration', 'a repo needs a path or a URL');
  const split = TARGET.exec(trimmed);
  const [whole, head = trimmed, tail = '.'] = split ?? [];
  // `git@host:/srv/repo.git`: the colon belongs to the address.
  const belongs = whole !== undefined && SCP_LIKE.test(whole) && !head.includes(':');
  const source = belongs ? trimmed : head;
  return {
    source: isUrl(source) ? { kind: 'url', url: source } : { kind: 'local', path: source },
    path: belongs ? '.' : tail,
    branch: null,
    hash: null,
    ifExists: 'error',
  };
}

function isUrl(text: string): boolean {
  return URL_START.test(text) || SCP_LIKE.test(text);
}

const repoMap = z
  .strictObject({
    local_path: z.string().min(1).nullish(),
    url: z.string().min(1).nullish(),
    branch: z.string().min(1).nullish(),
    hash: z
      .string()
      .regex(/^[0-9a-f]{7,64}$/)
      .nullish(),
    path: z.string().min(1).nullish(),
    if_exists: z.enum(['error', 'skip']).nullish(),
  })
  .transform((value, context) =>
    attempt(context, (): RepoSpec => {
      const { local_path: local, url } = value;
      if ((local == null) === (url == null)) {
        throw new BerthError('invalid-configuration', 'a repo needs either `local_path` or `url`');
      }
      if (local != null && (value.branch != null || value.hash != null)) {
        throw new BerthError('invalid-configuration', '`branch` and `hash` go with `url`', {
          hint: 'a local repo is taken as it is checked out',
        });
      }
      if (url != null && !isUrl(url))
        throw new BerthError('invalid-configuration', `${quote(url)} is not the URL of a repo`);
      return {
        source: url == null ? { kind: 'local', path: local ?? '.' } : { kind: 'url', url },
        path: value.path ?? '.',
        branch: value.branch ?? null,
        hash: value.hash ?? null,
        ifExists: value.if_exists ?? 'error',
      };
    }),
  );

export const repoSchema = z.union([textOf(parseRepo, '\\S'), repoMap]);
