import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCgroupLimits } from './cgroup.ts';

const limits = (files: Readonly<Record<string, string>>) => readCgroupLimits(async (path) => files[path] ?? null);

test('a process without control groups has no limits', async () => {
  assert.deepEqual(await limits({}), { memoryBytes: null, cpus: null });
});

test('version 2: the tightest of the group and those around it counts, "max" is no limit', async () => {
  assert.deepEqual(
    await limits({
      '/proc/self/cgroup': '0::/user.slice/user-1000.slice/session-2.scope\n',
      '/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope/memory.max': 'max\n',
      '/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/user.slice/user-1000.slice/memory.max': '8589934592\n',
      '/sys/fs/cgroup/user.slice/memory.max': '17179869184\n',
      '/sys/fs/cgroup/user.slice/cpu.max': '150000 100000\n',
    }),
    { memoryBytes: 8 * 2 ** 30, cpus: 1.5 },
  );
});

test('version 2 in a container: the limit is at the root that the container sees', async () => {
  const files = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': '536870912\n' };
  assert.deepEqual(await limits(files), { memoryBytes: 2 ** 29, cpus: null });
});

test('version 1: an outer limit counts, and the largest number of pages is no limit', async () => {
  assert.deepEqual(
    await limits({
      '/proc/self/cgroup': '9:name=systemd:/\n4:memory:/slurm/job_7\n2:cpu,cpuacct:/slurm/job_7\n0::/\n',
      '/sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes': '9223372036854771712\n',
      '/sys/fs/cgroup/memory/slurm/memory.limit_in_bytes': '4294967296\n',
      '/sys/fs/cgroup/cpu,cpuacct/slurm/job_7/cpu.cfs_quota_us': '200000\n',
      '/sys/fs/cgroup/cpu,cpuacct/slurm/job_7/cpu.cfs_period_us': '100000\n',
      '/sys/fs/cgroup/cpu,cpuacct/slurm/cpu.cfs_quota_us': '-1\n',
      '/sys/fs/cgroup/cpu,cpuacct/slurm/cpu.cfs_period_us': '100000\n',
    }),
    { memoryBytes: 2 ** 32, cpus: 2 },
  );
});

test("version 1 in a container: the path is the host's, and the container's own group is at the mount", async () => {
  assert.deepEqual(
    await limits({
      '/proc/self/cgroup': '4:memory:/docker/0123456789ab\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '268435456\n',
    }),
    { memoryBytes: 2 ** 28, cpus: null },
  );
});
