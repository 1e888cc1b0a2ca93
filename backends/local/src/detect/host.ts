import { readFile, statfs } from 'node:fs/promises';
import { arch, availableParallelism, totalmem } from 'node:os';
import { BackendError } from '@berth/backend';
import type { CpuArch } from '@berth/core';
import { findAmd } from './amd.ts';
import { type ReadText, readCgroupLimits } from './cgroup.ts';
import type { GpuDevice } from './gpu.ts';
import { findNvidia } from './nvidia.ts';
import { type Probe, runProbe } from './probe.ts';

/** This machine, as far as we may use it. */
export interface Host {
  readonly cpus: number;
  readonly cpuArch: CpuArch;
  readonly memoryMiB: number;
  /** Free on the disk of the state directory, where jobs live. */
  readonly diskMiB: number;
  readonly gpus: readonly GpuDevice[];
  /** What a person should know: a driver that fails, a device that is not offered. */
  readonly notes: readonly string[];
}

/** Asks the machine about itself. `signal` ends the wait, and what is known by then is the answer. */
export type DetectHost = (stateDir: string, signal: AbortSignal) => Promise<Host>;

/** A healthy nvidia-smi answers in 50 ms, one that must load the driver first in some 3 s. */
export const DETECTION_DEADLINE_MS = 5_000;

export interface HostSources {
  readonly probe: Probe;
  readonly readText: ReadText;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly arch: string;
}

/** @throws BackendError `config` on a processor that Berth has no name for */
export const detectHost: DetectHost = (stateDir, signal) =>
  detectHostFrom(
    {
      probe: runProbe,
      readText: (path) => readFile(path, 'utf8').catch(() => null),
      cpus: availableParallelism(),
      memoryBytes: totalmem(),
      arch: arch(),
    },
    stateDir,
    signal,
  );

export async function detectHostFrom(sources: HostSources, stateDir: string, signal: AbortSignal): Promise<Host> {
  const cpuArch = cpuArchOf(sources.arch);
  const limits = await readCgroupLimits(sources.readText);
  const memoryMiB = Math.floor(Math.min(sources.memoryBytes, limits.memoryBytes ?? Number.POSITIVE_INFINITY) / 2 ** 20);
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(DETECTION_DEADLINE_MS)]);
  const [disk, nvidia, amd] = await Promise.all([
    statfs(stateDir),
    findNvidia(sources.probe, memoryMiB, deadline),
    findAmd(sources.probe, memoryMiB, deadline),
  ]);
  return {
    // Part of a CPU is none that a program could count on, but no machine has less than one.
    cpus: Math.max(1, Math.floor(Math.min(sources.cpus, limits.cpus ?? Number.POSITIVE_INFINITY))),
    cpuArch,
    memoryMiB,
    diskMiB: Math.floor((disk.bavail * disk.bsize) / 2 ** 20),
    gpus: [...nvidia.devices, ...amd.devices],
    notes: [...nvidia.notes, ...amd.notes],
  };
}

function cpuArchOf(name: string): CpuArch {
  if (name === 'x64' || name === 'ia32') return 'x86';
  if (name === 'arm64' || name === 'arm') return 'arm';
  throw new BackendError('config', `This machine's processor (${name}) is neither x86 nor arm; jobs cannot run on it.`);
}
