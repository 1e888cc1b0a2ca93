import { makePrivateFolder } from '@berth/client/private-folder';
import { BerthError } from '@berth/core/errors';
import type { Home } from '../home.ts';
import { type StatusLine, statusLine } from '../output/status-line.ts';
import { freePortOf, lastAddress, recordAddress } from './address.ts';
import { probe } from './probe.ts';
import { readServerFile, type ServerFile } from './server-file.ts';
import { isServerProcess } from './server-process.ts';
import { logPath, type ServerOptions, spawnServer } from './spawn-server.ts';
import { tryStartLock } from './start-lock.ts';

/** Opening a large database after a crash takes some seconds on a slow disk. */
const DEADLINE_MS = 20_000;
const POLL_MS = 20;

/**
 * The embedded server, running. When several commands call this at once one of them starts it and the
 * others wait for it. Without `options` it comes back where it was, or wherever there is room.
 * @throws BerthError `unavailable` with the last lines of its log
 */
export async function ensureEmbeddedServer(home: Home, options: ServerOptions = {}): Promise<ServerFile> {
  makePrivateFolder(home.server);
  const deadline = Date.now() + DEADLINE_MS;
  const progress = statusLine(process.stderr);
  try {
    while (Date.now() < deadline) {
      const running = await runningServer(home);
      if (running !== null) return running;
      const lock = tryStartLock(home);
      if (lock !== null) {
        try {
          const started = await startOnce(home, options, deadline, progress);
          if (started !== null) return started;
        } finally {
          lock.release();
        }
      }
      progress.show('waiting for the server of this machine');
      await sleep(POLL_MS);
    }
  } finally {
    progress.clear();
  }
  throw new BerthError('unavailable', `the server of this machine did not answer within ${DEADLINE_MS / 1000} s`, {
    hint: `see ${logPath(home)}, or stop it with \`berth server stop\``,
  });
}

/** The server that wrote `server.json`, when it answers. */
export async function runningServer(home: Home): Promise<ServerFile | null> {
  const file = readServerFile(home);
  if (file === null) return null;
  const info = await probe(file.url);
  return info?.pid === file.pid ? file : null;
}

/** Called with the lock in hand. Null: not now, look again. */
async function startOnce(
  home: Home,
  options: ServerOptions,
  deadline: number,
  progress: StatusLine,
): Promise<ServerFile | null> {
  // The one that held the lock before may have started it meanwhile.
  const running = await runningServer(home);
  if (running !== null) return running;
  const file = readServerFile(home);
  // It lives without answering: it is about to end, or is too busy. Both pass.
  if (file !== null && isServerProcess(file)) return null;
  progress.show('starting a server on this machine');
  const port = options.port ?? (await freePortOf(lastAddress(home)));
  const child = spawnServer(home, port === null ? options : { ...options, port });
  while (Date.now() < deadline) {
    const started = await runningServer(home);
    if (started !== null) {
      await recordAddress(home, started.url);
      return started;
    }
    if (child.hasEnded()) throw child.failure();
    await sleep(POLL_MS);
  }
  return null;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
