import { z } from 'zod';
import { BerthError } from './errors.ts';
import { attempt, textOf } from './grammar.ts';
import { quote } from './quote.ts';

/** A file or directory of the user's machine that a job gets. */
export interface FileMapping {
  /** Absolute, `~/…`, or relative to the configuration file. */
  readonly localPath: string;
  /** Absolute, `~/…`, or relative to the working directory. */
  readonly path: string;
}

/**
 * `local` (the same path there) or `local:path`.
 * @throws BerthError `invalid-configuration`
 */
export function parseFileMapping(text: string): FileMapping {
  const at = text.lastIndexOf(':');
  return at < 0 ? fileMapping(text.trim(), null) : fileMapping(text.slice(0, at).trim(), text.slice(at + 1).trim());
}

function fileMapping(localPath: string, path: string | null): FileMapping {
  if (localPath === '' || path === '') {
    throw new BerthError('invalid-configuration', 'a file needs a path', {
      hint: 'write `local` or `local:/path/in/the/job`',
    });
  }
  if (path === null && localPath.split('/').includes('..')) {
    throw new BerthError('invalid-configuration', `${quote(localPath)} would lie outside the working directory`, {
      hint: `say where it goes: \`${localPath}:/path/in/the/job\``,
    });
  }
  return { localPath, path: path ?? localPath };
}

export const fileSchema = z.union([
  textOf(parseFileMapping, '\\S'),
  z
    .strictObject({ local_path: z.string().min(1), path: z.string().min(1).nullish() })
    .transform((value, context) => attempt(context, () => fileMapping(value.local_path, value.path ?? null))),
]);
