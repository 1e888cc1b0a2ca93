/**
 * What the control group that we run in may use. Node's own answers know version 2 and the plain cases
 * of version 1; a limit that an outer group sets (a container, a systemd slice) they miss, so it is
 * read here. Kernel documentation: Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst.
 */

/** Null: no limit, or none that we can see. */
export interface CgroupLimits {
  readonly memoryBytes: number | null;
  /** CPUs' worth of time, may be a fraction. */
  readonly cpus: number | null;
}

/** Text of a file of the kernel; null when there is none. */
export type ReadText = (path: string) => Promise<string | null>;

const ROOT = '/sys/fs/cgroup';

/** Version 1 writes "no limit" as the largest number of pages; no machine has an exbibyte. */
const UNLIMITED_BYTES = 2 ** 60;

export async function readCgroupLimits(readText: ReadText): Promise<CgroupLimits> {
  const membership = (await readText('/proc/self/cgroup')) ?? '';
  const limits: CgroupLimits[] = [];
  for (const line of membership.split('\n')) {
    // "hierarchy:controllers:path"; the path may hold colons, the version 2 line is "0::path".
    const [, hierarchy, controllers, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined || controllers === undefined) continue;
    if (hierarchy === '0' && controllers === '') {
      for (const dir of upwards(path)) limits.push(await unified(readText, ROOT + dir));
      continue;
    }
    const names = controllers.split(',');
    for (const controller of ['memory', 'cpu'] as const) {
      if (!names.includes(controller)) continue;
      const mount = [`${ROOT}/${controller}`, `${ROOT}/${controllers}`];
      for (const dir of mount.flatMap((base) => upwards(path).map((sub) => base + sub))) {
        limits.push(controller === 'memory' ? await memoryV1(readText, dir) : await cpuV1(readText, dir));
      }
    }
  }
  return {
    memoryBytes: lowest(limits.map((limit) => limit.memoryBytes)),
    cpus: lowest(limits.map((limit) => limit.cpus)),
  };
}

/**
 * The group and all that hold it, ending at the root. Inside a container the path is the host's and
 * not there; the walk to the root finds the container's own group, which is mounted there.
 */
function upwards(path: string): readonly string[] {
  const dirs: string[] = [];
  let dir = path === '/' ? '' : path;
  while (dir !== '') {
    dirs.push(dir);
    dir = dir.slice(0, dir.lastIndexOf('/'));
  }
  return [...dirs, ''];
}

async function unified(readText: ReadText, dir: string): Promise<CgroupLimits> {
  const [memory, cpu] = await Promise.all([readText(`${dir}/memory.max`), readText(`${dir}/cpu.max`)]);
  const [quota, period] = (cpu ?? '').trim().split(/\s+/).map(Number);
  return { memoryBytes: bytes(memory), cpus: share(quota, period) };
}

async function memoryV1(readText: ReadText, dir: string): Promise<CgroupLimits> {
  return { memoryBytes: bytes(await readText(`${dir}/memory.limit_in_bytes`)), cpus: null };
}

async function cpuV1(readText: ReadText, dir: string): Promise<CgroupLimits> {
  const [quota, period] = await Promise.all([
    readText(`${dir}/cpu.cfs_quota_us`),
    readText(`${dir}/cpu.cfs_period_us`),
  ]);
  return { memoryBytes: null, cpus: share(Number(quota ?? Number.NaN), Number(period ?? Number.NaN)) };
}

/** "max", nothing and the absurd are no limit. */
function bytes(text: string | null): number | null {
  const value = Number(text?.trim() || Number.NaN);
  return value > 0 && value < UNLIMITED_BYTES ? value : null;
}

/** A quota of -1 (version 1) or "max" (version 2) is no limit. */
function share(quota: number | undefined, period: number | undefined): number | null {
  if (quota === undefined || period === undefined || !(quota > 0) || !(period > 0)) return null;
  return quota / period;
}

function lowest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}
