import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, hostname, totalmem } from 'node:os';
import type { AcceleratorVendor, InstanceResources } from '@berth/core/offer';
import { DockerAway, type DockerClient } from './docker-client.ts';
import { messageOf } from './failure.ts';
import type { HostInfo } from './protocol.ts';

const MIB = 1024 * 1024;
/** A hello must not wait for an engine that hangs. */
const DOCKER_TIMEOUT_MS = 1_500;

/**
 * What this machine has. `described` is what a backend that knows better has written (it detects
 * accelerators, the agent does not); null: CPUs, memory and the disk of `dir`, no accelerators.
 */
export async function machineResources(dir: string, described: string | null): Promise<InstanceResources> {
  if (described !== null) {
    return JSON.parse(await readFile(described, 'utf8')) as InstanceResources; // written by the backend that started us
  }
  const disk = await statfs(dir);
  return {
    cpus: availableParallelism(),
    cpuArch: process.arch === 'arm64' ? 'arm' : 'x86',
    memoryMiB: Math.floor(totalmem() / MIB),
    diskMiB: Math.floor((disk.bavail * disk.bsize) / MIB),
    accelerators: [],
  };
}

/** The vendor of this machine's accelerators; null: it has none. A machine has one vendor's. */
export function vendorOf(resources: InstanceResources): AcceleratorVendor | null {
  return resources.accelerators[0]?.vendor ?? null;
}

export async function hostInfo(resources: InstanceResources, docker: DockerClient): Promise<HostInfo> {
  const engine = await dockerVersion(docker);
  return {
    hostname: hostname(),
    resources,
    docker: 'version' in engine ? engine : null,
    dockerProblem: 'problem' in engine ? engine.problem : null,
  };
}

async function dockerVersion(
  docker: DockerClient,
): Promise<{ readonly version: string } | { readonly problem: string }> {
  try {
    const answer = (await docker.json('/version', { timeoutMs: DOCKER_TIMEOUT_MS })) as { readonly Version?: string };
    return { version: answer.Version ?? 'unknown' };
  } catch (error) {
    return { problem: error instanceof DockerAway ? error.message : `Docker answers badly: ${messageOf(error)}` };
  }
}
