import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { InstanceId } from '@berth/core/ids';
import { Agent } from './agent.ts';
import { AgentLog } from './agent-log.ts';
import { BLOB_LIMITS } from './blob-store.ts';
import { systemClock } from './clock.ts';
import { DirectoryLock } from './directory-lock.ts';
import { DockerClient, dockerSocketPath } from './docker-client.ts';
import { messageOf } from './failure.ts';
import { machineResources } from './host.ts';
import { SPOOL_LIMIT_BYTES, SPOOL_OPTIONS, spoolLimit } from './log-spool.ts';

const MIB = 1024 ** 2;

const USAGE = `Usage: berth-agent --dir DIR --socket PATH --instance ID [options]
  The secret that a server must know is taken from BERTH_AGENT_SECRET.
  --host-info FILE    what this machine has, as JSON; without it CPUs, memory and disk are detected
  --metrics-ms N      time between two measurements of running jobs (10000)
  --log-spool-mib N   of one job's log, how much may wait here for the server (BERTH_LOG_SPOOL_MIB, 2048);
                      never more than a tenth of what is free
  --log-patience-ms N how long a server that stores nothing holds a job up whose log may not grow (10000)
  --blob-cache-mib N  how much code and files of earlier jobs to keep (BERTH_BLOB_CACHE_MIB, 10240)
  --orphan-after N    end after so many ms without jobs and without a server (86400000)
`;

/** Exit status 2: called wrongly; 3: another agent has the directory; 1: anything else. */
async function main(): Promise<void> {
  // Gone from the environment before anything is started that could inherit it.
  const secret = process.env.BERTH_AGENT_SECRET ?? '';
  delete process.env.BERTH_AGENT_SECRET;
  const options = readOptions();
  if (options === null || secret === '') return fail(2, `The agent was called wrongly.\n${USAGE}`);
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  const lock = DirectoryLock.acquire(options.dir);
  if (!(lock instanceof DirectoryLock)) {
    return fail(3, `Process ${lock.heldBy} is the agent of ${options.dir} already.`);
  }
  const log = new AgentLog(options.dir);
  const agent = await Agent.open({
    ...options,
    secret,
    resources: await machineResources(options.dir, options.hostInfo),
    docker: new DockerClient(dockerSocketPath(process.env)),
    clock: systemClock,
    log,
    spool: { limitBytes: spoolLimit(options.logSpoolMiB * MIB), patienceMs: options.logPatienceMs },
    blobs: { maxBytes: options.blobCacheMiB * MIB },
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => void agent.shutdown(`${signal} came.`));
  }
  // The terminal, or whoever started it, may go; the agent stays.
  process.on('SIGHUP', () => undefined);
  process.on('uncaughtException', (error) => agent.reportInternal(error.stack ?? messageOf(error)));
  await agent.closed;
  lock.release();
  process.exit(0);
}

interface Options {
  readonly dir: string;
  readonly socketPath: string;
  readonly instance: InstanceId;
  readonly hostInfo: string | null;
  readonly metricsMs: number;
  readonly orphanAfterMs: number;
  readonly logSpoolMiB: number;
  readonly logPatienceMs: number;
  readonly blobCacheMiB: number;
}

/** Null: something is missing or not understood. */
function readOptions(): Options | null {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({
      options: {
        ...{ dir: text, socket: text, instance: text, 'host-info': text, 'metrics-ms': text, 'orphan-after': text },
        ...{ 'log-spool-mib': text, 'blob-cache-mib': text, 'log-patience-ms': text },
      },
    });
    const logSpoolMiB = Number(values['log-spool-mib'] ?? process.env.BERTH_LOG_SPOOL_MIB ?? SPOOL_LIMIT_BYTES / MIB);
    const blobCacheMiB = Number(
      values['blob-cache-mib'] ?? process.env.BERTH_BLOB_CACHE_MIB ?? BLOB_LIMITS.maxBytes / MIB,
    );
    const metricsMs = Number(values['metrics-ms'] ?? 10_000);
    const orphanAfterMs = Number(values['orphan-after'] ?? 24 * 3_600_000);
    if (!values.dir || !values.socket || !values.instance || !(metricsMs > 0) || !(orphanAfterMs > 0)) return null;
    const logPatienceMs = Number(values['log-patience-ms'] ?? SPOOL_OPTIONS.patienceMs);
    if (!(logSpoolMiB > 0) || !(logPatienceMs >= 0) || !(blobCacheMiB >= 0)) return null;
    return {
      dir: values.dir,
      socketPath: values.socket,
      instance: values.instance as InstanceId, // whoever started us has made it
      hostInfo: values['host-info'] ?? null,
      metricsMs,
      orphanAfterMs,
      logSpoolMiB,
      logPatienceMs,
      blobCacheMiB,
    };
  } catch {
    return null;
  }
}

function fail(status: number, message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(status);
}

main().catch((error: unknown) => fail(1, `The agent could not start: ${messageOf(error)}`));
