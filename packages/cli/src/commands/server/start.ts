import { BerthError } from '@berth/core/errors';
import { InvalidArgumentError } from 'commander';
import { defineCommand } from '../../command.ts';
import { freePortOf, lastAddress, recordAddress } from '../../embedded/address.ts';
import { ensureEmbeddedServer, runningServer } from '../../embedded/ensure-server.ts';
import { readServerFile, type ServerFile } from '../../embedded/server-file.ts';
import { hostOption } from '../../embedded/server-process.ts';
import { type ServerOptions, serverCommand } from '../../embedded/spawn-server.ts';
import type { Home } from '../../home.ts';
import { print } from '../../output/write.ts';

const POLL_MS = 50;

interface Options {
  readonly host?: string;
  readonly port?: number;
  readonly foreground?: true;
}

export default defineCommand<Options>({
  usesProject: false,
  define: (parser) =>
    parser
      .option('--host <address>', 'where it listens; 127.0.0.1 when left out, so that only this machine reaches it')
      .option('-p, --port <number>', 'its last one, or any that is free, when left out', parsePort)
      .option('--foreground', 'do not leave this terminal; Ctrl-C stops it'),
  examples: ['berth server start', 'berth server start --foreground --host 0.0.0.0 --port 3000'],
  async run(context, options) {
    const running = await runningServer(context.home);
    if (running !== null) {
      const missed = missedWishes(options, running);
      if (missed.length > 0) throw runsOtherwise(running, missed);
      print(`The server of this machine runs already: ${running.url} (process ${running.pid})\n`);
      return 0;
    }
    if (options.foreground === true) {
      const port = options.port ?? (await freePortOf(lastAddress(context.home)));
      return runInForeground(context.home, port === null ? options : { ...options, port });
    }
    const started = await ensureEmbeddedServer(context.home, options);
    // Another command may have started it in the same moment.
    const missed = missedWishes({ ...options, foreground: undefined }, started);
    if (missed.length > 0) throw runsOtherwise(started, missed);
    print(`Started: ${started.url} (process ${started.pid}), data in ${context.home.root}\n`);
    return 0;
  },
});

/** What was asked for and is not so. */
function missedWishes({ host, port, foreground }: Wishes, running: ServerFile): string[] {
  const is = new URL(running.url);
  const missed: string[] = [];
  if (port !== undefined && port !== 0 && port !== Number(is.port))
    missed.push(`its port stays ${is.port}, not ${port}`);
  // The URL is one that can be dialled: of a server that listens everywhere it names this machine alone.
  const listens = hostOption(running.pid) ?? is.hostname;
  if (host !== undefined && !isSameHost(host, listens)) missed.push(`it listens on ${listens}, not ${host}`);
  if (foreground === true) missed.push('it stays in the background');
  return missed;
}

interface Wishes extends ServerOptions {
  readonly foreground?: boolean | undefined;
}

function isSameHost(wanted: string, actual: string): boolean {
  const loopback = ['127.0.0.1', 'localhost'];
  return wanted === actual.replace(/^\[(.*)\]$/, '$1') || (loopback.includes(wanted) && loopback.includes(actual));
}

function runsOtherwise({ url, pid }: ServerFile, missed: readonly string[]): BerthError {
  return new BerthError(
    'conflict',
    `the server of this machine runs already at ${url} (process ${pid}): ${missed.join('; ')}`,
    {
      hint: 'stop it first with `berth server stop` (jobs go on), then start it as you want it',
      details: { url, pid },
    },
  );
}

async function runInForeground(home: Home, options: ServerOptions): Promise<number> {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, serverCommand(options), {
    stdio: 'inherit',
    env: { ...process.env, BERTH_HOME: home.root },
  });
  const noteAddress = setInterval(() => {
    const file = readServerFile(home);
    if (file?.pid !== child.pid || file === null) return;
    clearInterval(noteAddress);
    void recordAddress(home, file.url);
  }, POLL_MS);
  // A terminal sends Ctrl-C to both; other signals come to us alone.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearInterval(noteAddress);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65535) throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}
