import { tmpdir } from 'node:os';
import { BerthError } from '@berth/core/errors';
import { runGit } from './git.ts';
import type { CodeRef } from './pack-code.ts';
import { cloneableRemote } from './remote-url.ts';

export interface RemoteRepo {
  readonly url: string;
  /** Null: the branch that the remote has checked out. */
  readonly branch: string | null;
  /** Null: the branch's tip. */
  readonly hash: string | null;
  readonly path: string;
  readonly ifExists: 'error' | 'skip';
}

/** Some hosts answer slowly; one that takes longer than this will not do better for the job. */
const DEADLINE_MS = 30_000;

/**
 * The code of a remote repository, pinned to the commit that its branch has now, so that every node
 * and every retry of a run gets the same.
 * @throws BerthError when the remote or its branch cannot be found
 */
export async function remoteCommit(repo: RemoteRepo, signal?: AbortSignal): Promise<CodeRef> {
  if (cloneableRemote(repo.url) === null) {
    throw new BerthError('not-supported', `${withoutCredentials(repo.url)} cannot be fetched from another machine`, {
      hint: 'give an https or ssh address without a password in it, or name a local directory',
    });
  }
  const commit = repo.hash !== null && repo.hash.length >= 40 ? repo.hash : await findCommit(repo, signal);
  return {
    kind: 'git',
    remote: repo.url,
    branch: repo.branch,
    commit,
    diff: null,
    path: repo.path,
    if_exists: repo.ifExists,
  };
}

async function findCommit(repo: RemoteRepo, signal: AbortSignal | undefined): Promise<string> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const wanted = repo.branch === null ? ['HEAD', 'refs/*'] : [`refs/heads/${repo.branch}`];
  const result = await runGit(['ls-remote', '--', repo.url, ...wanted], {
    cwd: tmpdir(),
    signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
  }).catch((error) => {
    if (!deadline.aborted || signal?.aborted) throw error;
    throw new BerthError('unavailable', `${repo.url} did not answer within ${DEADLINE_MS / 1000} s`, { cause: error });
  });
  if (result === null) {
    throw new BerthError('unavailable', 'git is not installed here', {
      hint: 'install git, or name a local directory',
    });
  }
  if (result.code !== 0) {
    throw new BerthError(
      'not-found',
      `the repository ${repo.url} cannot be read: ${withoutCredentials(result.stderr)}`,
      {
        hint: 'check the address, and whether `git ls-remote` works with it',
      },
    );
  }
  const refs = result.stdout
    .toString('utf8')
    .split('\n')
    .map((line) => line.split('\t'));
  const { hash } = repo;
  const found = hash === null ? refs[0]?.[0] : refs.find(([commit]) => commit?.startsWith(hash))?.[0];
  if (found) return found;
  if (hash !== null) {
    throw new BerthError('not-found', `no branch or tag of ${repo.url} is at ${hash}`, {
      hint: 'write the whole hash of the commit (40 characters)',
    });
  }
  throw new BerthError('not-found', `${repo.url} has no branch ${repo.branch ?? 'yet'}`, { hint: 'check `branch`' });
}

function withoutCredentials(text: string): string {
  return text.replace(/([a-z+]+:\/\/)[^/@\s]*@/gi, '$1');
}
