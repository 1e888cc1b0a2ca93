import { BerthError } from '@berth/core/errors';
import { formatBytes } from '../format-bytes.ts';
import type { ListedFile } from './file-list.ts';

/** Compressed. Code is small; what is larger is data that found its way into the directory. */
export const DEFAULT_LIMIT_BYTES = 64 * 1024 * 1024;
const NAMED = 5;

export function tooLarge(files: readonly ListedFile[], limitBytes: number): BerthError {
  const largest = [...files].sort((a, b) => b.size - a.size).slice(0, NAMED);
  const list = largest.map((file) => `  ${formatBytes(file.size).padStart(9)}  ${file.path}`).join('\n');
  return new BerthError(
    'too-large',
    `the code is larger than ${formatBytes(limitBytes)} when compressed; its largest files are\n${list}`,
    {
      hint: 'name what the job does not need in .gitignore (or in .berthignore, which also holds for files that git tracks), or use `--no-repo`',
      details: { limitBytes, largest: largest.map((file) => ({ path: file.path, bytes: file.size })) },
    },
  );
}

/** What it would leave out cannot be known, so nothing is sent. */
export function notAnIgnoreFile(path: string, kind: string): BerthError {
  return new BerthError('invalid-configuration', `${path} is ${kind}, not a file that names what to leave out`, {
    hint: 'remove or rename it',
    details: { path },
  });
}

export function notReadable(path: string, cause: unknown): BerthError {
  return new BerthError('invalid-configuration', `${path} cannot be read`, {
    hint: 'allow yourself to read it, or name it in .gitignore or .berthignore',
    cause,
  });
}
