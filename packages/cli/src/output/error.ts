import { describeSystemError, isSystemError, reasonOf } from '@berth/client/system-error';
import { type BerthError, type ConfigIssue, isUserMistake } from '@berth/core/errors';
import { styledError } from './style.ts';
import { say } from './write.ts';

export interface ReportOptions {
  /** Also as JSON on standard output, for a program that reads it. */
  readonly json: boolean;
}

/** Exit codes of our own; those of jobs pass through unchanged. */
export const EXIT_FAILURE = 1;
const EXIT_USER_MISTAKE = 2;
export const EXIT_INTERRUPTED = 130;

/** Something that was already told; only the exit code is left to say. */
export class Reported extends Error {
  override readonly name = 'Reported';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

interface Source {
  readonly file: string;
  readonly text: string;
}

const sources = new WeakMap<BerthError, Source>();

/** The text that an error's issues have their lines and columns in. */
export function rememberSource(error: BerthError, source: Source): void {
  sources.set(error, source);
}

/** Tells the person what happened, why and what to do next. Returns the exit code. */
export async function reportError(error: unknown, options: ReportOptions): Promise<number> {
  if (error instanceof Reported) return error.exitCode;
  const exitCode = isUserMistake(error) ? EXIT_USER_MISTAKE : EXIT_FAILURE;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ error: asView(error) })}\n`);
    return exitCode;
  }
  say(`${styledError('red', 'error:')} ${messageOf(error)}\n`);
  if (!isBerthError(error)) return exitCode;
  const source = sources.get(error);
  if (source !== undefined) say(`${await formatPlaces(error, source)}\n`);
  else for (const issue of error.issues) say(formatIssue(issue));
  if (error.hint !== undefined) say(`  ${styledError('cyan', 'hint:')} ${error.hint}\n`);
  return exitCode;
}

async function formatPlaces(error: BerthError, source: Source): Promise<string> {
  const { formatIssues } = await import('@berth/core/format-issues');
  return formatIssues(error, {
    ...source,
    style: {
      location: (text) => styledError('bold', text),
      message: (text) => text,
      gutter: (text) => styledError('blue', text),
      caret: (text) => styledError('red', text),
      hint: (text) => styledError('cyan', text),
    },
  });
}

function formatIssue({ path, message, line, column = 1, hint }: ConfigIssue): string {
  const place = line === undefined ? '' : `${line}:${column}  `;
  // Some messages begin with their path.
  const about = path === '' || message.startsWith(`${path}: `) ? '' : `${path}: `;
  const told = `  ${place}${about}${message}\n`;
  return hint === undefined ? told : `${told}    ${styledError('cyan', 'hint:')} ${hint}\n`;
}

function messageOf(error: unknown): string {
  if (isBerthError(error)) return error.message;
  // A full disk or a directory that cannot be written is nobody's defect.
  if (isSystemError(error)) return describeSystemError(error);
  // Anything else is a defect of ours: whoever reports it needs to know where it was.
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `this should not have happened: ${detail}`;
}

function asView(error: unknown): object {
  if (!isBerthError(error)) return { code: 'internal', message: reasonOf(error) };
  const { code, message, hint, issues, details } = error;
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(issues.length === 0 ? {} : { issues }),
    ...(Object.keys(details).length === 0 ? {} : { details }),
  };
}

function isBerthError(error: unknown): error is BerthError {
  return error instanceof Error && error.name === 'BerthError' && 'code' in error;
}
