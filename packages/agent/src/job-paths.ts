import { posix } from 'node:path';
import type { WorkSpec } from '@berth/core/job-spec';

/** The directories of a job, all absolute. */
export interface JobPaths {
  /** Where the code is, or would be. */
  readonly code: string;
  /** Where the commands run. */
  readonly working: string;
}

/**
 * Resolves the code's and the working directory. A relative code path counts from an absolute
 * working directory, else from `base`; a relative working directory counts from the code.
 */
export function resolvePaths(work: WorkSpec, base: string, home: string): JobPaths {
  const wanted = work.workingDir;
  const fixed = wanted !== null && !isRelative(wanted) ? resolvePath(wanted, base, home) : null;
  const code = resolvePath(work.code?.path ?? '.', fixed ?? base, home);
  return { code, working: fixed ?? resolvePath(wanted ?? '.', code, home) };
}

/** An absolute path: `~` is `home`, a relative path counts from `base`. */
export function resolvePath(path: string, base: string, home: string): string {
  if (path === '~') return home;
  if (path.startsWith('~/')) return posix.join(home, path.slice(2));
  return posix.resolve(base, path);
}

function isRelative(path: string): boolean {
  return !posix.isAbsolute(path) && path !== '~' && !path.startsWith('~/');
}
