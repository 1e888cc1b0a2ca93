import { mkdirSync } from 'node:fs';
import { BerthError } from '@berth/core/errors';
import type { Home } from '../home.ts';
import { statusLine } from '../output/status-line.ts';
import { probe } from './probe.ts';
import { readServerFile, type ServerFile } from './server-file.ts';
import { isServerProcess } from './server-process.ts';
import { type ServerOptions, spawnServer } from './spawn-server.ts';
import { tryStartLock } from './start-lock.ts';

/** Opening a large database after a crash takes some seconds on a slow disk. */
const DEADLINE_MS = 20_000;
const POLL_MS = 20;

export interface EnsureOptions {
  /** Where `config.yml` says that it is; it is started there again. Null: wherever there is room. */
  readonly url: string | null;
  readonly server?: ServerOptions;
}

/**
 * The embedded server, running. When several commands call this at once one of them starts it and the
 * others wait for it.
 * @throws BerthError `unavailable` with the last lines of its log
 */
export async function ensureEmbeddedServer(home: Home, options: EnsureOptions): Promise<ServerFile> {
  mkdirSync(home.server, { recursive: true, mode: 0o700 });
  const deadline = Date.now() + DEADLINE_MS;
  const progress = statusLine(process.stderr);
  try {
    while (Date.now() < deadline) {
      const running = await runningServer(home);
      if (running !== null) return running;
      const lock = tryStartLock(home);
      if (lock !== null) {
        try {
          // The one that held the lock before may have started it meanwhile.
          const started = (await runningServer(home)) ?? (await start(home, options, deadline, progress));
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
    hint: `see ${home.server}/server.log, or stop it with \`berth server stop\``,
  });
}

/** The server that wrote `server.json`, when it answers. */
export async function runningServer(home: Home): Promise<ServerFile | null> {
  const file = readServerFile(home);
  if (file === null) return null;
  const info = await probe(file.url);
  return info?.pid === file.pid ? file : null;
}

async function start(
  home: Home,
  options: EnsureOptions,
  deadline: number,
  progress: ReturnType<typeof statusLine>,
): Promise<ServerFile | null> {
  const file = readServerFile(home);
  // It lives without answering: it is about to end, or is too busy. Both pass.
  if (file !== null && isServerProcess(file)) return null;
  progress.show('starting a server on this machine');
  const address = options.server ?? addressOf(options.url ?? file?.url ?? null);
  const child = spawnServer(home, address);
  while (Date.now() < deadline) {
    const running = await runningServer(home);
    if (running !== null) return running;
    if (child.hasEnded()) throw child.failure();
    await sleep(POLL_MS);
  }
  return null;
}

/** The same port again, so that what `config.yml` says stays true. */
function addressOf(url: string | null): ServerOptions {
  const port = url === null ? '' : new URL(url).port;
  return port === '' ? {} : { port: Number(port) };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
