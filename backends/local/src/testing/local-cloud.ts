import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Call,
  type ConfiguredBackend,
  type CreateRequest,
  configureBackend,
  type InstanceRef,
  type Logger,
  type ProcessStart,
} from '@berth/backend';
import { type InstanceId, type Offer, offerId } from '@berth/core';
import type { GpuDevice } from '../detect/gpu.ts';
import type { Host } from '../detect/host.ts';
import { InstanceRecords } from '../instance-records.ts';
import { localBackend } from '../local-backend.ts';
import { findByArguments } from '../process-identity.ts';

const FAKE_AGENT = join(import.meta.dirname, 'fake-agent.sh');

export const GPU_LESS: Host = {
  cpus: 8,
  cpuArch: 'x86',
  memoryMiB: 32_768,
  diskMiB: 102_400,
  gpus: [],
  notes: [],
};

export function gpus(count: number, name = 'RTX3090', memoryMiB = 24_576): readonly GpuDevice[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `GPU-${name.toLowerCase()}-${index}`,
    vendor: 'nvidia',
    name,
    memoryMiB,
    known: true,
  }));
}

/** The backend on a machine of our making, with real processes, in a directory that goes away. */
export interface LocalCloud {
  readonly backend: ConfiguredBackend;
  readonly stateDir: string;
  readonly records: InstanceRecords;
  readonly logged: string[];
  call(): Call;
  agentStart(token: string, env?: Readonly<Record<string, string>>): ProcessStart;
  request(token: string, type?: string, env?: Readonly<Record<string, string>>): CreateRequest;
  ref(token: string): InstanceRef;
  /** Pids of the agents that this instance ever had, once there are at least `count`. */
  pids(token: string, count?: number): Promise<readonly number[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function localCloud(
  host: Host | (() => Promise<Host>) = GPU_LESS,
  config: Readonly<Record<string, unknown>> = {},
): Promise<LocalCloud> {
  const base = await mkdtemp(join(tmpdir(), 'berth-local-'));
  try {
    return await localCloudAt(base, host, config);
  } catch (error) {
    await rm(base, { recursive: true, force: true });
    throw error;
  }
}

export async function localCloudAt(
  base: string,
  host: Host | (() => Promise<Host>),
  config: Readonly<Record<string, unknown>> = {},
): Promise<LocalCloud> {
  const stateDir = join(base, 'state');
  const logged: string[] = [];
  const write = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
    logged.push(fields === undefined ? message : `${message} ${JSON.stringify(fields)}`);
  };
  const log: Logger = { debug: write, info: write, warn: write, error: write };
  const signal = new AbortController().signal;
  const backend = await configureBackend(
    localBackend(async () => (typeof host === 'function' ? await host() : host)),
    { name: 'here', type: 'local', config, credentials: { kind: 'default', value: null } },
    {
      installation: 'test',
      stateDir,
      clock: { now: Date.now },
      random: (length) => crypto.getRandomValues(new Uint8Array(length)),
      log,
    },
    signal,
  );
  const records = new InstanceRecords(stateDir);
  const dirOf = (token: string): string => join(base, 'agents', token);
  const agentStart = (token: string, env: Readonly<Record<string, string>> = {}): ProcessStart => ({
    kind: 'process',
    argv: [
      '/bin/sh',
      FAKE_AGENT,
      '--dir',
      dirOf(token),
      '--socket',
      join(dirOf(token), 's'),
      '--instance',
      `i${token}`,
    ],
    env,
    socketPath: join(dirOf(token), 's'),
    dir: dirOf(token),
  });
  const cloud: LocalCloud = {
    backend,
    stateDir,
    records,
    logged,
    call: () => ({ signal, log }),
    agentStart,
    request: (token, type = 'local', env = {}) => ({
      instance: `i${token}` as InstanceId, // ids are made elsewhere; here any text will do
      token,
      name: `berth-${token}`,
      tags: {},
      offer: offerOf(type),
      agentStart: agentStart(token, env),
      shared: null,
      placementGroup: null,
      reservation: null,
    }),
    ref: (token) => ({ cloudId: `local-${token}`, token, region: 'local', zone: null }),
    pids: async (token, count = 1) => {
      for (;;) {
        const text = await readFile(join(dirOf(token), 'pids'), 'utf8').catch(() => '');
        const pids = text.trim().split('\n').filter(Boolean).map(Number);
        if (pids.length >= count) return pids;
        await sleep(5);
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const record of (await records.readAll()).records) {
        const agent = await findByArguments(record.argv);
        if (agent !== null) process.kill(-agent.pid, 'SIGKILL');
      }
      await rm(base, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
  return cloud;
}

function offerOf(instanceType: string): Offer {
  const identity = { backend: 'here', instanceType, region: 'local', zone: null, capacityType: 'on-demand' } as const;
  return {
    id: offerId(identity),
    ...identity,
    pricePerHour: 0,
    availability: 'available',
    resources: { cpus: 8, cpuArch: 'x86', memoryMiB: 32_768, diskMiB: 102_400, accelerators: [] },
  };
}
