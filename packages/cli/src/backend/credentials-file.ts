import { readFile } from 'node:fs/promises';
import { BerthError } from '@berth/core/errors';
import { usageError } from '../usage-error.ts';

/** What a person has put into a file, so that it is in no command line: a map, or one secret by itself. */
export type WrittenCredentials = Readonly<Record<string, unknown>> | string;

/**
 * YAML or JSON; `-` is standard input. Nothing of it is repeated when it cannot be read.
 * @throws BerthError
 */
export async function readCredentials(path: string): Promise<WrittenCredentials> {
  const text = path === '-' ? await standardInput() : await fileText(path);
  if (text.trim() === '')
    throw usageError('the credentials are empty', `look into ${path === '-' ? 'what is piped' : path}`);
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    value = null; // a private key is no YAML
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  return text.replace(/\r?\n$/, '');
}

async function standardInput(): Promise<string> {
  if (process.stdin.isTTY)
    throw usageError('standard input is a terminal', 'leave `--credentials-file -` out to be asked');
  const { text } = await import('node:stream/consumers');
  return text(process.stdin);
}

async function fileText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new BerthError('not-found', `${path} cannot be read (${code}).`, { cause: error });
  }
}
