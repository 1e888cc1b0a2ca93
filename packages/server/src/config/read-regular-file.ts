import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** For a config.yml: a thousand projects of a hundred backends each. */
export const MAX_CONFIG_BYTES = 16 * 1024 * 1024;

/** There is something of that name, and it is not to be read. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
  /** Why, where otherwise a code of the system stands: `not a file`. */
  readonly code: string;

  constructor(path: string, why: string) {
    super(`${path} cannot be read: ${why}`);
    this.code = why;
  }
}

/**
 * Its text. A pipe into which nobody writes is not waited for, and a device that never ends is not read.
 * @throws Unreadable; what the file system throws
 */
export function readRegularFile(path: string, maxBytes: number): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new Unreadable(path, stats.isDirectory() ? 'a directory' : 'not a file');
    if (stats.size > maxBytes) throw new Unreadable(path, `larger than ${maxBytes} bytes`);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
