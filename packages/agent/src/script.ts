import { posix } from 'node:path';
import type { WorkSpec } from '@berth/core/job-spec';
import { JobFailure } from './failure.ts';

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

/** The system ends every text at a NUL, so none may hold one: throws a `setup-error` that says which does. */
export function checkTexts(work: WorkSpec): void {
  const texts: readonly (readonly [string, string | null])[] = [
    ...work.commands.map((text, index) => [`command ${index + 1}`, text] as const),
    ...(work.entrypoint ?? []).map((text) => ['`entrypoint`', text] as const),
    ...Object.entries(work.env).map(
      ([name, value]) => [`\`env\` ${name.replaceAll('\0', '\\0')}`, name + value] as const,
    ),
    ['`shell`', work.shell],
    ['`user`', work.user],
    ['`working_dir`', work.workingDir],
    ['The path of the code', work.code?.path ?? null],
    ...work.files.map(({ path }) => [`The path of ${path.replaceAll('\0', '\\0')}`, path] as const),
    ...work.artifacts.map((path) => [`The artifact ${path.replaceAll('\0', '\\0')}`, path] as const),
  ];
  const bad = texts.find(([, text]) => text?.includes('\0'));
  if (bad === undefined) return;
  const what = bad[0].charAt(0).toUpperCase() + bad[0].slice(1);
  throw new JobFailure(
    'setup-error',
    `${what} holds a NUL character, which no program can be given. Take it out, or write it as an escape that the program itself understands.`,
  );
}

/** Both outputs go into one pipe, so that what was written first is read first. */
function joinCommands(shell: string, commands: readonly string[]): string {
  if (!POSIX_SHELLS.has(posix.basename(shell))) return commands.join(' && ');
  // The empty line ends a command that ends in a backslash.
  return `exec 2>&1\n${commands.join(`\n\n${STOP_ON_FAILURE}\n`)}\n`;
}
