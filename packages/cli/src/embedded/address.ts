import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { makePrivateFolder } from '@berth/client/private-folder';
import { readConfig } from '../connection/config-file.ts';
import type { Home } from '../home.ts';
import { readServerFile } from './server-file.ts';

/**
 * Where the server of this home was last. `server.json` says it only while the server runs, but to
 * start a server again one must know which entry of `config.yml` is its own, and its port.
 */
function addressPath(home: Home): string {
  return join(home.server, 'address');
}

/** Without a slash at the end; null when it was never started. */
export function lastAddress(home: Home): string | null {
  const running = readServerFile(home)?.url;
  if (running !== undefined) return running.replace(/\/+$/, '');
  try {
    const text = readFileSync(addressPath(home), 'utf8').trim();
    return URL.canParse(text) ? text : null;
  } catch {
    return null;
  }
}

/** Whether the server of an entry of `config.yml` is the one that this home keeps. */
export function isEmbeddedAt(home: Home, url: string): boolean {
  const last = lastAddress(home);
  if (last !== null) return last === url;
  // Started, but never by us.
  return isLoopback(url) && existsSync(join(home.server, 'berth.db'));
}

/** Remembers where the server is; entries of `config.yml` that lead to where it was follow it. */
export async function recordAddress(home: Home, url: string): Promise<void> {
  const now = url.replace(/\/+$/, '');
  const before = readRecorded(home);
  if (before === now) return;
  makePrivateFolder(home.server);
  const temporary = `${addressPath(home)}.${process.pid}`;
  writeFileSync(temporary, `${now}\n`, { mode: 0o600 });
  renameSync(temporary, addressPath(home));
  if (before === null) return;
  const moved = (await readConfig(home.config)).filter((entry) => entry.url === before);
  if (moved.length === 0) return;
  const { editConfig } = await import('../connection/edit-config.ts');
  editConfig(home.config, (projects) => {
    for (const entry of moved) projects.put({ ...entry, url: now });
  });
}

/** The port to start it at again, so that what others know of it stays true; null when somebody else has it now. */
export async function freePortOf(url: string | null): Promise<number | null> {
  const port = url === null ? 0 : Number(new URL(url).port);
  if (port === 0) return null;
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)));
  });
}

function readRecorded(home: Home): string | null {
  try {
    return readFileSync(addressPath(home), 'utf8').trim();
  } catch {
    return null;
  }
}

function isLoopback(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}
