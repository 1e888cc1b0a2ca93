import { posix } from 'node:path';
import type { ClusterInfo, JobAssignment } from '@berth/core/job-spec';
import type { AcceleratorVendor } from '@berth/core/offer';

/** Of the agent's own environment a process job sees only these. */
const INHERITED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'TZ', 'TMPDIR', 'SHELL'];

export interface Places {
  readonly workingDir: string;
  readonly repoDir: string;
  readonly mpiHostfile: string;
}

/**
 * What a job finds in its environment, without what its image or machine adds. The system's names
 * win over the user's: a job may rely on them.
 */
export function jobEnvironment(
  assignment: JobAssignment,
  cluster: ClusterInfo,
  places: Places,
): Readonly<Record<string, string>> {
  return { ...assignment.work.env, ...assignment.env, ...clusterEnvironment(cluster), ...placeEnvironment(places) };
}

/** `ip slots=n` for each node; a node without GPUs still runs one process. */
export function mpiHostfile(cluster: ClusterInfo): string {
  return cluster.ips.map((ip, rank) => `${ip} slots=${Math.max(1, cluster.gpusPerNode[rank] ?? 0)}\n`).join('');
}

/**
 * Which GPUs a process may see. Empty `devices` hide all of them on a machine that has some; on a
 * machine without any there is nothing to hide.
 */
export function gpuVisibility(
  devices: readonly string[],
  vendor: AcceleratorVendor | null,
): Readonly<Record<string, string>> {
  if (devices.length === 0 && vendor === null) return {};
  const list = devices.join(',');
  const nvidia = { CUDA_VISIBLE_DEVICES: list, NVIDIA_VISIBLE_DEVICES: list === '' ? 'void' : list };
  const amd = { ROCR_VISIBLE_DEVICES: list };
  if (vendor === 'nvidia') return nvidia;
  if (vendor === 'amd') return amd;
  return { ...nvidia, ...amd };
}

/** The part of the agent's own environment that a process job inherits. */
export function inheritedEnvironment(
  agentEnv: Readonly<Record<string, string | undefined>>,
  nodePath: string,
): Readonly<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(agentEnv)) {
    if (value !== undefined && (INHERITED.includes(name) || name.startsWith('LC_'))) result[name] = value;
  }
  const path = result.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  // Last, so that it only helps where the machine has no Node of its own.
  return { ...result, PATH: `${path}:${posix.dirname(nodePath)}` };
}

function clusterEnvironment(cluster: ClusterInfo): Record<string, string> {
  const gpus = cluster.gpusPerNode;
  return underBothNames({
    NODES_IPS: cluster.ips.join('\n'),
    MASTER_NODE_IP: cluster.ips[0] ?? '',
    NODE_RANK: String(cluster.rank),
    NODES_NUM: String(cluster.ips.length),
    GPUS_PER_NODE: String(gpus[cluster.rank] ?? 0),
    GPUS_NUM: String(gpus.reduce((sum, count) => sum + count, 0)),
  });
}

function placeEnvironment(places: Places): Record<string, string> {
  return underBothNames({
    WORKING_DIR: places.workingDir,
    REPO_DIR: places.repoDir,
    MPI_HOSTFILE: places.mpiHostfile,
  });
}

function underBothNames(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => [
      [`DSTACK_${name}`, value],
      [`BERTH_${name}`, value],
    ]),
  );
}
