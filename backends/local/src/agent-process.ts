import { spawn } from 'node:child_process';
import { type FileHandle, mkdir, open, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackendError, type ProcessStart } from '@berth/backend';
import type { InstanceResources } from '@berth/core';
import { identify, isAlive, type ProcessIdentity, signalQuietly } from './process-identity.ts';

/** An agent writes a few lines a day; what is larger than this is put aside when it is started again. */
const LOG_LIMIT_BYTES = 8 * 1024 * 1024;

/**
 * What the agent sees of the server's environment. The server's own may hold secrets, and a job must
 * not depend on the shell that the server happened to be started from.
 */
const INHERITED = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TZ', 'TMPDIR', 'XDG_RUNTIME_DIR', 'LD_LIBRARY_PATH'],
  ...['DOCKER_HOST', 'DOCKER_CERT_PATH', 'DOCKER_TLS_VERIFY', 'SSH_AUTH_SOCK', 'NODE_EXTRA_CA_CERTS'],
  // What the agent may keep on this machine's disk.
  ...['BERTH_LOG_SPOOL_MIB', 'BERTH_BLOB_CACHE_MIB'],
  ...['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'],
];

/** How long a process may take to vanish once it was told to. */
const POLL_MS = 20;

/** The agent's command line: the agentStart's, and where the agent reads what machine it is on. */
export function agentArguments(agentStart: ProcessStart): readonly string[] {
  return [...agentStart.argv, '--host-info', hostInfoPath(agentStart.dir)];
}

/**
 * Starts the agent as the leader of its own session, so that neither the server's end nor a Ctrl-C at
 * its terminal reaches it. Returns as soon as the process exists. `resources` are written to where the
 * agent reads them.
 * Throws `BackendError`, and then nothing was started: `config` when the program cannot be, `transient`
 * when the machine is out of something.
 */
export async function startAgent(agentStart: ProcessStart, resources: InstanceResources): Promise<ProcessIdentity> {
  const { dir } = agentStart;
  const [program = '', ...args] = agentArguments(agentStart);
  let log: FileHandle | undefined;
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await writeHostInfo(dir, resources);
    log = await openLog(join(dir, 'agent.log'));
    const child = spawn(program, args, {
      cwd: dir,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { ...inheritedEnvironment(), ...agentStart.env },
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('spawn', () => resolve(child.pid ?? 0));
    });
    child.unref();
    // A process that is dead already has no start time; one that never was has none either.
    return (await identify(pid)) ?? { pid, startedAt: 'unknown' };
  } catch (error) {
    throw startError(program, error);
  } finally {
    await log?.close();
  }
}

/**
 * Asks the process to end, asks again halfway (an agent then gives its jobs no more time), and ends it
 * when it has not after `graceMs`. False: it is still there after `killMs` more.
 */
export async function endProcess(identity: ProcessIdentity, graceMs: number, killMs: number): Promise<boolean> {
  if (!(await isAlive(identity))) return true;
  for (const share of [graceMs / 2, graceMs / 2]) {
    signalQuietly(identity.pid, 'SIGTERM');
    if (await isGoneWithin(identity, share)) return true;
  }
  // It leads its own group; what it started there (git, tar) goes with it.
  signalQuietly(-identity.pid, 'SIGKILL');
  return await isGoneWithin(identity, killMs);
}

/** Takes away what `startAgent` made before it failed, and nothing that anybody else put there. */
export async function removeStartFiles(dir: string): Promise<void> {
  await Promise.all([hostInfoPath(dir), join(dir, 'agent.log')].map((path) => rm(path, { force: true })));
  await rmdir(dir).catch(() => {}); // not empty: it was somebody else's before
}

async function writeHostInfo(dir: string, resources: InstanceResources): Promise<void> {
  const path = hostInfoPath(dir);
  await writeFile(`${path}.new`, `${JSON.stringify(resources, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function isGoneWithin(identity: ProcessIdentity, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (await isAlive(identity)) {
    if (performance.now() >= end) return false;
    await sleep(POLL_MS);
  }
  return true;
}

async function openLog(path: string): Promise<FileHandle> {
  const size = await stat(path).then(
    (info) => info.size,
    () => 0,
  );
  if (size > LOG_LIMIT_BYTES) await rename(path, `${path}.1`);
  return await open(path, 'a', 0o600);
}

function inheritedEnvironment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && (INHERITED.includes(name) || name.startsWith('LC_'))) env[name] = value;
  }
  return env;
}

function hostInfoPath(dir: string): string {
  return join(dir, 'host-info.json');
}

function startError(program: string, error: unknown): BackendError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = error instanceof Error ? error.message : String(error);
  if (['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ENOSPC', 'EDQUOT'].includes(code)) {
    const why = `This machine is out of processes, memory, file descriptors or disk: ${message}.`;
    return new BackendError('transient', why, { scope: 'region', cause: error });
  }
  return new BackendError('config', `The agent cannot be started with "${program}": ${message}.`, { cause: error });
}
