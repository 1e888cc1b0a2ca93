import { InvalidArgumentError } from 'commander';
import { defineCommand } from '../../command.ts';
import { ensureEmbeddedServer, runningServer } from '../../embedded/ensure-server.ts';
import { readServerFile } from '../../embedded/server-file.ts';
import { serverCommand } from '../../embedded/spawn-server.ts';

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
      process.stdout.write(`The server of this machine runs already: ${running.url} (process ${running.pid})\n`);
      return 0;
    }
    const last = readServerFile(context.home)?.url;
    const lastPort = last === undefined ? undefined : Number(new URL(last).port) || undefined;
    const port = options.port ?? lastPort;
    const server = {
      ...(options.host === undefined ? {} : { host: options.host }),
      ...(port === undefined ? {} : { port }),
    };
    if (options.foreground === true) return runInForeground(context.home.root, serverCommand(server));
    const started = await ensureEmbeddedServer(context.home, { url: null, server });
    process.stdout.write(`Started: ${started.url} (process ${started.pid}), data in ${context.home.root}\n`);
    return 0;
  },
});

async function runInForeground(home: string, words: readonly string[]): Promise<number> {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, words, { stdio: 'inherit', env: { ...process.env, BERTH_HOME: home } });
  // A terminal sends Ctrl-C to both; other signals come to us alone.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65535) throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}
