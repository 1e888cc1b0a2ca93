import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isMissing } from '../logs/job-log.ts';
import { MAX_CONFIG_BYTES, readRegularFile } from './read-regular-file.ts';
import { NO_FILE, type ServerConfig } from './server-config.ts';
import { MAX_SECRET_BYTES } from './written-secrets.ts';

/** Editors write a file in several steps. */
const SETTLE_MS = 200;

/**
 * The configuration as it is in the file now.
 * @throws BerthError `invalid-configuration`, or what the file system throws
 */
export async function readServerConfig(path: string): Promise<ServerConfig> {
  let text: string;
  try {
    text = readRegularFile(path, MAX_CONFIG_BYTES);
  } catch (error) {
    if (isMissing(error)) return NO_FILE;
    throw error;
  }
  // Most homes have no such file, and so no need for a YAML parser in memory.
  const { parseServerConfig } = await import('./parse-server-config.ts');
  const readFile = (secret: string): string => readRegularFile(secret, MAX_SECRET_BYTES);
  return parseServerConfig(text, path, { env: process.env, readFile, dir: dirname(path) });
}

export interface ConfigWatch {
  close(): void;
}

/**
 * Calls `changed` after the file was changed, made or removed, and `broken` when it cannot be used as it
 * is now. The folder is watched, not the file: editors put a new file into the place of the old one.
 */
export function watchServerConfig(
  path: string,
  listeners: { readonly changed: (config: ServerConfig) => void; readonly broken: (error: unknown) => void },
): ConfigWatch {
  const textOf = (): string | null => {
    try {
      return readRegularFile(path, MAX_CONFIG_BYTES);
    } catch (error) {
      return isMissing(error) ? null : `cannot be read: ${String(error)}`;
    }
  };
  let last = textOf();
  let settling: NodeJS.Timeout | undefined;
  const look = (): void => {
    const text = textOf();
    if (text === last) return;
    last = text;
    readServerConfig(path).then(listeners.changed, listeners.broken);
  };
  const watcher: FSWatcher = watch(dirname(path), { persistent: false }, (_event, name) => {
    // The database lies in the same folder and is written all the time.
    if (name !== null && name !== basename(path)) return;
    clearTimeout(settling);
    settling = setTimeout(look, SETTLE_MS);
  });
  watcher.on('error', listeners.broken);
  return {
    close: () => {
      clearTimeout(settling);
      watcher.close();
    },
  };
}
