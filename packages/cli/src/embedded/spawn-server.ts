import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '@berth/core/errors';
import type { Home } from '../home.ts';
import { serverProgram } from '../installation.ts';

export interface ServerOptions {
  readonly host?: string;
  readonly port?: number;
}

export interface StartedServer {
  hasEnded(): boolean;
  /** Why it did not come up, with the last lines of its log. */
  failure(): BerthError;
}

const SHOWN_LINES = 15;

/**
 * By itself Node lets short-lived memory grow by 150 MiB before it cleans up, as it does while a long log is read;
 * with this it is 30, and a log goes no slower.
 */
const YOUNG_GENERATION_MIB = 8;

/** Words of the command, Node's first, that runs the server in this home. */
export function serverCommand(options: ServerOptions): string[] {
  const words = [`--max-semi-space-size=${YOUNG_GENERATION_MIB}`, serverProgram()];
  if (options.host !== undefined) words.push('--host', options.host);
  if (options.port !== undefined) words.push('--port', String(options.port));
  return words;
}

export function logPath(home: Home): string {
  return join(home.server, 'server.log');
}

/** Starts the server in a session of its own: neither Ctrl-C here nor the end of the terminal reaches it. */
export function spawnServer(home: Home, options: ServerOptions): StartedServer {
  const path = logPath(home);
  const log = openSync(path, 'a', 0o600);
  const before = statSync(path).size;
  const child = spawn(process.execPath, serverCommand(options), {
    detached: true,
    // Not the caller's directory: it would keep a file system busy that somebody wants to unmount.
    cwd: home.root,
    stdio: ['ignore', log, log],
    // In the environment the cache holds from the first module on: a server that need not compile its own
    // TypeScript never loads the compiler, which is 20 MB for as long as it lives.
    env: { ...process.env, BERTH_HOME: home.root, NODE_COMPILE_CACHE: join(home.cache, 'compile') },
  });
  closeSync(log);
  child.unref();
  let ended: string | null = null;
  child.once('error', (error) => {
    ended = error.message;
  });
  child.once('exit', (code, signal) => {
    ended = signal === null ? `exit code ${code}` : signal;
  });
  return {
    hasEnded: () => ended !== null,
    failure: () => {
      const lines = lastWords(readFileSync(path).subarray(before).toString('utf8'));
      const shown = lines.length === 0 ? '' : `; its last words are\n${lines.map((line) => `  ${line}`).join('\n')}`;
      return new BerthError('unavailable', `the server of this machine ended at once (${ended})${shown}`, {
        hint: `the whole log is ${path}`,
      });
    },
  };
}

/** What it printed for people; when that is nothing, the messages among its log's objects. */
function lastWords(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const plain = lines.filter((line) => !line.startsWith('{'));
  return (plain.length > 0 ? plain : lines.map(messageOf)).slice(0, SHOWN_LINES);
}

function messageOf(line: string): string {
  try {
    const { message, error } = JSON.parse(line) as { message?: unknown; error?: { message?: unknown } }; // printed only
    return [message, error?.message].filter((part) => typeof part === 'string').join(': ');
  } catch {
    return line;
  }
}
