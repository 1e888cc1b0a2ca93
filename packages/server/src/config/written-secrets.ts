import { isAbsolute, join } from 'node:path';
import type { Problem, ProblemPath } from '@berth/core/problems';

/** What credentials may be read from, so that they need not stand in config.yml. */
export interface Outside {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of a file; throws what the file system throws. */
  readonly readFile: (path: string) => string;
  /** Relative paths begin here: the folder of config.yml. */
  readonly dir: string;
}

/** Larger than any key file. */
export const MAX_SECRET_BYTES = 1024 * 1024;
const VARIABLE = /^\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}$/;
const FILE = /^\$\{file:([^}]+)\}$/;

export interface ReadSecrets {
  readonly value: unknown;
  readonly problems: readonly Problem[];
}

/**
 * Credentials in which every text that is `${env:NAME}` or `${file:path}` as a whole is replaced by what the
 * variable or the file holds, without the line break at its end. What cannot be read is left out and told.
 */
export function readReferences(written: unknown, path: ProblemPath, outside: Outside): ReadSecrets {
  const problems: Problem[] = [];
  const problem = (at: ProblemPath, message: string, hint: string): undefined => {
    problems.push({ path: at, at: 'value', message, hint, notSupported: false });
  };
  const read = (value: unknown, at: ProblemPath): unknown => {
    if (typeof value === 'string') {
      const [, variable] = VARIABLE.exec(value) ?? [];
      if (variable !== undefined) {
        const found = outside.env[variable];
        if (found !== undefined && found !== '') return found;
        return problem(at, `the variable \`${variable}\` is not set`, 'set it where the server is started');
      }
      const [, file] = FILE.exec(value) ?? [];
      return file === undefined ? value : fileText(file, at);
    }
    if (Array.isArray(value)) return value.map((item, index) => read(item, [...at, index]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, item]) => {
        const found = read(item, [...at, key]);
        return found === undefined ? [] : [[key, found]];
      }),
    );
  };
  const fileText = (file: string, at: ProblemPath): string | undefined => {
    const home = file.startsWith('~/') ? outside.env.HOME : undefined;
    const full = home === undefined ? (isAbsolute(file) ? file : join(outside.dir, file)) : join(home, file.slice(2));
    let text: string;
    try {
      text = outside.readFile(full);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      return problem(at, `${full} cannot be read (${code})`, 'the server must be able to read it');
    }
    const cut = text.replace(/\r?\n$/, '');
    if (cut === '') return problem(at, `${full} is empty`, 'it must hold the secret');
    if (cut.length > MAX_SECRET_BYTES) return problem(at, `${full} is too large for a secret`, 'name the right file');
    return cut;
  };
  return { value: read(written, path), problems };
}
