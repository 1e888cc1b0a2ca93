import { getSystemErrorMessage } from 'node:util';

/** What the system says in a word of its own, in words. */
const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'your quota on that disk is used up',
  EACCES: 'you are not allowed to',
  EPERM: 'you are not allowed to',
  EROFS: 'that disk is read-only',
  EISDIR: 'it is a directory',
  ENOTDIR: 'part of its path is a file',
  ENOENT: 'it does not exist',
  EEXIST: 'it exists already',
  ENOTEMPTY: 'it is not empty',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open on this machine',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its links lead in a circle',
  EIO: 'the disk has an error',
};

const DONE: Readonly<Record<string, string>> = {
  open: 'opened',
  read: 'read',
  scandir: 'read',
  readlink: 'read',
  stat: 'looked at',
  lstat: 'looked at',
  write: 'written',
  fsync: 'written',
  mkdir: 'made',
  mkdtemp: 'made',
  symlink: 'made',
  link: 'made',
  rename: 'renamed',
  copyfile: 'copied',
  unlink: 'removed',
  rmdir: 'removed',
  rm: 'removed',
  chmod: 'changed',
  utime: 'changed',
};

export interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
  readonly errno?: number;
  readonly path?: string;
}

/** An error of the operating system, not one of ours. */
export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

/** `results/a.bin cannot be written: the disk is full`, instead of `ENOSPC: no space left on device, write`. */
export function describeSystemError(error: SystemError): string {
  const { code, syscall, path, errno } = error;
  const why = WHY[code] ?? (errno === undefined ? error.message : getSystemErrorMessage(errno));
  const done = DONE[syscall];
  if (path === undefined) return done === undefined ? `${why} (${syscall})` : `a file cannot be ${done}: ${why}`;
  return `${path} cannot be ${done ?? 'used'}: ${why}`;
}

/** Whatever went wrong, as the end of a sentence. */
export function reasonOf(error: unknown): string {
  if (isSystemError(error)) return describeSystemError(error);
  return error instanceof Error ? error.message : String(error);
}
