import { posix } from 'node:path';
import type { WorkSpec } from '@berth/core/job-spec';

/** Shells that read the same language as `sh`. */
const POSIX_SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'ash', 'ksh', 'mksh', 'zsh', 'yash']);

/** Ends the script with the status of the command before it, unless that is 0. */
const STOP_ON_FAILURE = 'case $? in 0) ;; *) exit $? ;; esac';

/**
 * The words to execute; null: the image's own entrypoint and command.
 *
 * Commands become one script, so that `cd` and `export` carry over, and run one after another up to
 * the first that fails, whose status is the job's. They are not joined by `&&`: inside such a list
 * the shell ignores a `set -e` that the user wrote, and a comment or a here-document at the end of a
 * command would swallow the operator.
 */
export function jobArgv(work: WorkSpec): readonly string[] | null {
  if (work.commands.length === 0) return work.entrypoint;
  if (work.entrypoint !== null) {
    // The words before it decide what the script is read by: only a shell gets our additions.
    const last = work.entrypoint.at(-1) ?? '';
    const shell = /^-[a-z]*c$/.test(last) ? work.entrypoint[0] : undefined;
    return [...work.entrypoint, joinCommands(shell ?? '', work.commands)];
  }
  return [work.shell, '-c', joinCommands(work.shell, work.commands)];
}

/** Both outputs go into one pipe, so that what was written first is read first. */
function joinCommands(shell: string, commands: readonly string[]): string {
  if (!POSIX_SHELLS.has(posix.basename(shell))) return commands.join(' && ');
  // The empty line ends a command that ends in a backslash.
  return `exec 2>&1\n${commands.join(`\n\n${STOP_ON_FAILURE}\n`)}\n`;
}
