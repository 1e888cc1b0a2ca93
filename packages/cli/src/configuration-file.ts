import type { FileHandle } from 'node:fs/promises';
import { open, readdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { NotAFile, openRegularFile } from '@berth/client/regular-file';
import { describeSystemError, isSystemError, reasonOf } from '@berth/client/system-error';
import type { Configuration } from '@berth/core/configuration';
import { BerthError } from '@berth/core/errors';
import type { ParseConfigurationOptions } from '@berth/core/parse-configuration';
import type { Context } from './context.ts';
import { rememberSource } from './output/error.ts';

/** Looked for in the current directory, in this order, when no file is named. */
const DEFAULT_FILES = ['.berth.yml', '.berth.yaml', '.dstack.yml', '.dstack.yaml'];
const MAX_BYTES = 1024 * 1024;

export interface ConfigurationText {
  /** As messages call it. */
  readonly file: string;
  readonly text: string;
  /** What relative paths in it start from. */
  readonly directory: string;
}

/**
 * @param file `-` is standard input; nothing is the first of the default files
 * @throws BerthError that says what is wrong with the file as a file
 */
export async function readConfigurationFile(cwd: string, file: string | undefined): Promise<ConfigurationText> {
  if (isStandardInput(file)) return { file: 'standard input', text: decode(await readInput(), file), directory: cwd };
  const name = file ?? (await findDefault(cwd));
  const path = resolve(cwd, name);
  const text = decode(await readBounded(path, name), name);
  return { file: name, text, directory: isInherited(path) ? cwd : dirname(path) };
}

/**
 * Reads and checks a configuration; an error remembers the text, so that its places can be shown.
 * @throws BerthError
 */
export async function parseConfigurationText(
  source: ConfigurationText,
  context: Context,
  options: Omit<ParseConfigurationOptions, 'file' | 'environment'>,
): Promise<Configuration> {
  const { parseConfiguration } = await import('@berth/core/parse-configuration');
  try {
    return parseConfiguration(source.text, { ...options, file: source.file, environment: context.env });
  } catch (error) {
    if (error instanceof BerthError) rememberSource(error, source);
    throw error;
  }
}

/** All ways of writing it. */
export function isStandardInput(file: string | undefined): file is string {
  return file === '-' || file === '/dev/stdin' || file === '/dev/fd/0';
}

/** A shell's `<(command)`: a pipe that somebody writes into already. */
function isInherited(path: string): boolean {
  return path.startsWith('/dev/fd/');
}

async function findDefault(cwd: string): Promise<string> {
  for (const name of DEFAULT_FILES) {
    if ((await stat(resolve(cwd, name)).catch(() => null)) !== null) return name;
  }
  throw new BerthError('invalid-configuration', `there is no ${DEFAULT_FILES[0]} or ${DEFAULT_FILES[2]} here`, {
    hint: `name the configuration with \`-f ${(await likelyConfiguration(cwd)) ?? 'FILE'}\`, or make one: \`berth schema\` tells editors what may be in it`,
  });
}

/** The one file here that is called like a configuration, `train.berth.yml`; null where there is none or several. */
async function likelyConfiguration(cwd: string): Promise<string | null> {
  const names = (await readdir(cwd).catch(() => [])).filter((name) => DEFAULT_FILES.some((end) => name.endsWith(end)));
  return names.length === 1 ? (names[0] ?? null) : null;
}

async function readBounded(path: string, name: string): Promise<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = isInherited(path) ? await open(path, 'r') : await openRegularFile(path);
    // One byte more than allowed tells that there is more; a pipe has no size to ask for.
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } catch (error) {
    throw error instanceof BerthError ? error : unreadable(error, name);
  } finally {
    await handle?.close();
  }
}

async function readInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_BYTES) break;
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Buffer, name: string): string {
  if (bytes.length > MAX_BYTES) {
    throw new BerthError('too-large', `${name} is larger than 1 MiB, the most that a configuration may have`, {
      hint: 'put data and code into files of their own and name them under `files`',
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new BerthError('invalid-configuration', `${name} is not text in UTF-8`, {
      hint: 'is it the right file?',
      cause,
    });
  }
}

function unreadable(cause: unknown, name: string): BerthError {
  if (cause instanceof NotAFile) {
    return new BerthError('invalid-configuration', `${name} is ${cause.kind}, not a file`, {
      hint: cause.kind === 'a directory' ? 'name the file in it' : '`-f -` reads standard input',
      cause,
    });
  }
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new BerthError('invalid-configuration', `there is no file ${name}`, { hint: 'check the path', cause });
  }
  if (code === 'EACCES') {
    return new BerthError('invalid-configuration', `${name} cannot be read`, {
      hint: 'allow yourself to read it',
      cause,
    });
  }
  const why = isSystemError(cause) ? describeSystemError(cause) : `${name} cannot be read: ${reasonOf(cause)}`;
  return new BerthError('invalid-configuration', why, { cause });
}
