import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { BackendError } from '@berth/backend';
import { detectHost, detectHostFrom, type HostSources } from './host.ts';

const sources: HostSources = {
  probe: async () => ({ kind: 'absent' }),
  readText: async () => null,
  cpus: 8,
  memoryBytes: 32 * 2 ** 30,
  arch: 'x64',
};
const signal = (): AbortSignal => new AbortController().signal;

test('this machine has CPUs, memory, disk and an architecture', async () => {
  const host = await detectHost(tmpdir(), signal());
  assert.ok(host.cpus >= 1 && host.memoryMiB >= 64 && host.diskMiB > 0, JSON.stringify(host));
});

test('a machine without GPUs has none and needs no explanation', async () => {
  const { cpus, memoryMiB, cpuArch, gpus, notes } = await detectHostFrom(sources, tmpdir(), signal());
  assert.deepEqual([cpus, memoryMiB, cpuArch, gpus, notes], [8, 32 * 1024, 'x86', [], []]);
});

test('the limits of the control group are the machine', async () => {
  const limits: Readonly<Record<string, string>> = {
    '/proc/self/cgroup': '0::/\n',
    '/sys/fs/cgroup/memory.max': String(2 ** 30),
    '/sys/fs/cgroup/cpu.max': '250000 100000',
  };
  const readText = async (path: string): Promise<string | null> => limits[path] ?? null;
  const host = await detectHostFrom({ ...sources, readText }, tmpdir(), signal());
  assert.deepEqual([host.cpus, host.memoryMiB], [2, 1024]);
  const tiny = {
    ...sources,
    readText: async (path: string) => (path.endsWith('cpu.max') ? '50000 100000' : (limits[path] ?? null)),
  };
  assert.equal((await detectHostFrom(tiny, tmpdir(), signal())).cpus, 1);
});

test('devices of two vendors are one list', async () => {
  const outputs: Readonly<Record<string, string>> = {
    'nvidia-smi': '0, GPU-358353dd-5933-1dc6-ac0d-e1189b063e4c, NVIDIA GeForce RTX 3090, 24576, [N/A]',
    'rocm-smi': '{"card0":{"Card Series":"Radeon RX 7900 XT","VRAM Total Memory (B)":"21458059264"}}',
  };
  const probe: HostSources['probe'] = async (program) => {
    const output = outputs[program];
    return output === undefined ? { kind: 'absent' } : { kind: 'done', output, exitCode: 0 };
  };
  const { gpus } = await detectHostFrom({ ...sources, probe }, tmpdir(), signal());
  assert.deepEqual(
    gpus.map((gpu) => gpu.name),
    ['RTX3090', 'RX7900XT'],
  );
});

test('a tool that hangs does not hold up what can be known without it', async () => {
  const probe: HostSources['probe'] = (program, _args, until) =>
    program === 'nvidia-smi'
      ? new Promise((resolve) => until.addEventListener('abort', () => resolve({ kind: 'late' }), { once: true }))
      : Promise.resolve({ kind: 'absent' });
  const host = await detectHostFrom({ ...sources, probe }, tmpdir(), AbortSignal.timeout(20));
  assert.equal(host.cpus, 8);
  assert.match(host.notes[0] ?? '', /nvidia-smi did not answer/);
});

test('ARM is ARM, and a processor without a name here is refused in words', async () => {
  assert.equal((await detectHostFrom({ ...sources, arch: 'arm64' }, tmpdir(), signal())).cpuArch, 'arm');
  await assert.rejects(detectHostFrom({ ...sources, arch: 'riscv64' }, tmpdir(), signal()), (error) => {
    return error instanceof BackendError && error.code === 'config' && /riscv64/.test(error.message);
  });
});
