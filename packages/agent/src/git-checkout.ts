import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { CodeRef } from '@berth/core/job-spec';
import { errnoOf, JobFailure, messageOf } from './failure.ts';

const run = promisify(execFile);

export type GitCode = Extract<CodeRef, { kind: 'git' }>;

/** Git must never wait for a password, nor run a helper that a remote's name asks for. */
const GIT_ENV = {
  GIT_TERMINAL_PROMPT: '0',
  GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
  GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
  LC_ALL: 'C',
};

/**
 * Fetches one commit into `dir` (empty) and applies the uncommitted changes in `diff`, a path.
 * Throws a `setup-error` that names the remote without its credentials.
 */
export async function checkOutGit(code: GitCode, dir: string, diff: string | null, signal: AbortSignal): Promise<void> {
  const git = (...args: string[]): Promise<unknown> =>
    run('git', args, { cwd: dir, signal, env: { ...process.env, ...GIT_ENV }, maxBuffer: 16 * 1024 * 1024 });
  const remote = withoutCredentials(code.remote);
  try {
    await git('init', '--quiet');
    await git('remote', 'add', '--', 'origin', code.remote);
  } catch (error) {
    throw gitFailure('prepare a repository', error);
  }
  try {
    // One commit is enough, where the remote gives single ones; else everything that it has.
    await git('fetch', '--quiet', '--depth=1', 'origin', code.commit).catch((error: unknown) => {
      signal.throwIfAborted();
      if (errnoOf(error) === 'ENOENT') throw error;
      return git('fetch', '--quiet', '--tags', 'origin', '+refs/heads/*:refs/remotes/origin/*');
    });
    const place = code.branch === null ? ['--detach'] : ['-B', code.branch];
    await git('checkout', '--quiet', ...place, code.commit, '--');
  } catch (error) {
    throw gitFailure(`check out ${code.commit.slice(0, 12)} of ${remote}`, error);
  }
  if (diff === null) return;
  try {
    await git('apply', '--whitespace=nowarn', '--', diff);
  } catch (error) {
    throw gitFailure('apply the uncommitted changes', error);
  }
}

function gitFailure(what: string, error: unknown): unknown {
  if (error instanceof Error && error.name === 'AbortError') return error;
  if (errnoOf(error) === 'ENOENT') {
    return new JobFailure(
      'setup-error',
      'The code is in a git repository, but there is no git here. Install git on this machine.',
    );
  }
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : messageOf(error);
  return new JobFailure('setup-error', `Git could not ${what}: ${withoutCredentials(said).trim()}`);
}

function withoutCredentials(text: string): string {
  return text.replace(/([a-z+]+:\/\/)[^/@\s]*@/gi, '$1');
}
