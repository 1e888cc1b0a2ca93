/**
 * From the moment an apply is sent to the first line of the log at the client, on an instance that is
 * idle, against the time that the same command takes to its first line when it is run directly.
 */
import { spawn, spawnSync } from 'node:child_process';
import { type Client, logs } from '@berth/client';
import { BerthHome, finished, idle } from './berth-home.ts';
import { type Bench, type BenchContext, excess, inTurn, type Result } from './harness.ts';

const LINE = 'ready';
const COMMAND = `echo ${LINE}`;
/** The image that `.ci/docker.sh` makes; nothing needs to be pulled for it. */
const IMAGE = 'berth-test/busybox';
const WARM_UP = 3;

const MORE_THAN_PROCESS_MS = 250;
const MORE_THAN_DOCKER_MS = 300;

export const bench: Bench = async (context) => {
  const home = new BerthHome();
  try {
    home.startServer();
    const client = home.client();
    const asProcess = await compare(context, client, {
      metric: 'apply to first line, process',
      than: 'the command itself',
      direct: ['/bin/sh', '-c', COMMAND],
      configuration: { commands: [COMMAND] },
      limitMs: MORE_THAN_PROCESS_MS,
    });
    const why = whyNoDocker();
    if (why !== null) {
      if ((process.env.BERTH_TEST_PARTS ?? '').split(',').includes('docker')) throw new Error(`Docker: ${why}`);
      context.skip(`apply to first line, Docker: ${why}`);
      return [asProcess];
    }
    const inDocker = await compare(context, client, {
      metric: 'apply to first line, Docker',
      than: 'docker run',
      direct: ['docker', 'run', '--rm', IMAGE, '/bin/sh', '-c', COMMAND],
      configuration: { image: IMAGE, commands: [COMMAND] },
      limitMs: MORE_THAN_DOCKER_MS,
    });
    return [asProcess, inDocker];
  } finally {
    await home.end();
  }
};

interface Comparison {
  readonly metric: string;
  readonly than: string;
  readonly direct: readonly [string, ...string[]];
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly limitMs: number;
}

async function compare({ runs, progress }: BenchContext, client: Client, what: Comparison): Promise<Result> {
  progress(`${what.metric}: ${runs} rounds`);
  const configuration = { type: 'task', name: 'bench', idle_duration: '1h', ...what.configuration };
  const samples = await inTurn(
    { apply: () => applied(client, configuration), direct: () => direct(what.direct) },
    // The first round also makes the instance, and is not what is measured here.
    { runs, warmUp: WARM_UP },
  );
  return excess(what.metric, what.than, samples.apply, samples.direct, what.limitMs);
}

/** In ms, from the request to the first bytes of the log. Returns when the instance is idle again. */
async function applied(client: Client, configuration: Readonly<Record<string, unknown>>): Promise<number> {
  const started = performance.now();
  const run = await client.call('run.apply', { body: { configuration, code: null, files: [] } });
  let took: number | null = null;
  for await (const { bytes } of logs(client, run.id, { follow: true })) {
    took = performance.now() - started;
    if (!Buffer.from(bytes).toString('utf8').startsWith(LINE)) throw new Error(`the log begins with ${bytes}`);
    break;
  }
  await finished(client, run.id);
  if (took === null) throw new Error('the run ended without a log');
  await idle(client);
  return took;
}

/** In ms, from the start of the process to the first bytes of its output. */
function direct([command, ...args]: readonly [string, ...string[]]): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    let took: number | null = null;
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.once('data', () => {
      took = performance.now() - started;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (took === null || code !== 0)
        reject(new Error(`${command} ended with ${code} and ${took === null ? 'no' : 'some'} output`));
      else resolve(took);
    });
  });
}

function whyNoDocker(): string | null {
  const engine = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { encoding: 'utf8' });
  if (engine.error !== undefined || engine.status !== 0) return 'no engine answers';
  const image = spawnSync('docker', ['image', 'inspect', IMAGE], { stdio: 'ignore' });
  return image.status === 0 ? null : `the image ${IMAGE} is not here (.ci/docker.sh makes it)`;
}
