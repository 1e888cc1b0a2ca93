import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import type { RunningServer } from './compose.ts';
import { homeAt, homeRoot, prepareHome } from './config/home.ts';

const USAGE = `Usage: berth-server [--host HOST] [--port PORT] [--home DIR]
  --host   address to listen on (127.0.0.1)
  --port   port to listen on (any that is free)
  --home   where everything is kept (BERTH_HOME, else ~/.berth)
`;

/**
 * The young part of the heap otherwise grows to 48 MB while a long log passes through, and never shrinks.
 * Must be set before anything is loaded: what has grown stays.
 */
setFlagsFromString('--semi-space-growth-factor=1');
/**
 * The old part is cleaned when it has grown by half, not when it has doubled or more: with 10,000 machines that is
 * 150 MB less after a rush, and no measurable CPU.
 */
setFlagsFromString('--heap-growing-percent=50');

/** Longer than everything that ends is given to end. */
const END_MS = 10_000;

/** Exit status 2: called wrongly, or the configuration is wrong; 1: anything else. */
async function main(): Promise<void> {
  const options = readOptions();
  if (options === null) {
    process.stderr.write(USAGE);
    process.exit(2);
  }
  const root = options.home ?? homeRoot();
  prepareHome(homeAt(root));
  enableCompileCache(join(homeAt(root).cache, 'compile'));
  // After the line above, so that the cache holds for all of it.
  const { openServerLog } = await import('./start/server-log.ts');
  const { systemClock } = await import('./start/system-clock.ts');
  const level = (['debug', 'info', 'warn', 'error'] as const).find((word) => word === process.env.BERTH_LOG_LEVEL);
  const log = openServerLog({
    path: homeAt(root).serverLog,
    clock: systemClock,
    ...(level === undefined ? {} : { level }),
    // Started in the background its output is that very file.
    echo: process.stderr.isTTY ? (line) => process.stderr.write(`${line}\n`) : undefined,
  });
  // SQLite in Node is experimental by name; that is ours to know, not for whoever starts a server.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') log.warn('a warning of Node.js', { warning });
  });
  const die = (what: string) => (error: unknown) => {
    log.error(what, { error });
    process.stderr.write(`${what}: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  };
  // Its jobs go on without it, and whoever needs it next starts it again.
  process.on('uncaughtException', die('The server ends because of a defect'));
  process.on('unhandledRejection', die('The server ends because of a defect'));

  const { startServer } = await import('./compose.ts');
  const { isUserMistake } = await import('@berth/core/errors');
  const { formatError } = await import('./start/format-error.ts');
  let server: RunningServer | null = null;
  let asked: NodeJS.Signals | null = null;
  const end = (signal: NodeJS.Signals): void => {
    asked ??= signal;
    // While it starts there is nothing yet that could be ended well; it ends once it has started.
    if (server === null) return;
    log.info('the server ends', { signal });
    setTimeout(() => process.exit(1), END_MS).unref();
    void server.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  // The terminal may go; the server stays.
  process.on('SIGHUP', () => undefined);
  try {
    server = await startServer({ ...options, home: root, log });
  } catch (error) {
    log.error('the server did not start', { error });
    process.stderr.write(`${formatError(error)}\n`);
    process.exit(isUserMistake(error) ? 2 : 1);
  }
  if (asked !== null) return end(asked);
  if (process.stderr.isTTY) process.stderr.write(`Berth listens on ${server.url}. Ctrl-C ends it; jobs go on.\n`);
}

function readOptions(): { readonly host?: string; readonly port?: number; readonly home?: string } | null {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({ options: { host: text, port: text, home: text } });
    const port = values.port === undefined ? undefined : Number(values.port);
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65_536)) return null;
    return {
      ...(values.host === undefined ? {} : { host: values.host }),
      ...(port === undefined ? {} : { port }),
      ...(values.home === undefined ? {} : { home: values.home }),
    };
  } catch {
    return null;
  }
}

main().catch(async (error: unknown) => {
  const { formatError } = await import('./start/format-error.ts');
  process.stderr.write(`${formatError(error)}\n`);
  process.exit(1);
});
