import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gpusOf, parseAmdSmi, parseNvidiaSmi } from './gpu-metrics.ts';

const MIB = 1024 * 1024;

describe('nvidia-smi', () => {
  it('is read line by line; what a device cannot tell is null', () => {
    const csv = [
      '0, GPU-6f3a2b1c-8d1e-4c0b-9a77-0e6d5f4c3b2a, 97, 71342',
      '1, GPU-0b9c8d7e-6f5a-4b3c-2d1e-0f9e8d7c6b5a, [N/A], [Not Supported]',
      '',
    ].join('\n');
    assert.deepEqual(parseNvidiaSmi(csv), [
      {
        index: '0',
        uuid: 'GPU-6f3a2b1c-8d1e-4c0b-9a77-0e6d5f4c3b2a',
        utilizationPercent: 97,
        memoryBytes: 71342 * MIB,
      },
      { index: '1', uuid: 'GPU-0b9c8d7e-6f5a-4b3c-2d1e-0f9e8d7c6b5a', utilizationPercent: null, memoryBytes: null },
    ]);
  });

  it('that has no device or no driver gives nothing', () => {
    assert.deepEqual(parseNvidiaSmi('No devices were found\n'), []);
    const driver = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n";
    assert.deepEqual(parseNvidiaSmi(driver), []);
  });
});

describe('amd-smi', () => {
  const device = {
    gpu: 0,
    usage: {
      gfx_activity: { value: 42, unit: '%' },
      umc_activity: { value: 1, unit: '%' },
      mm_activity: { value: 0, unit: '%' },
      vcn_activity: [{ value: 0, unit: '%' }, 'N/A', 'N/A', 'N/A'],
    },
    mem_usage: {
      total_vram: { value: 49136, unit: 'MB' },
      used_vram: { value: 283, unit: 'MB' },
      free_vram: { value: 48853, unit: 'MB' },
    },
  };
  const reading = { index: '0', uuid: null, utilizationPercent: 42, memoryBytes: 283 * MIB };

  it('is read as a list and as the object of later versions', () => {
    assert.deepEqual(parseAmdSmi(JSON.stringify([device])), [reading]);
    assert.deepEqual(parseAmdSmi(JSON.stringify({ gpu_data: [device] })), [reading]);
  });

  it('is read where values are strings or missing', () => {
    const old = { gpu: 1, usage: 'N/A', mem_usage: { used_vram: { value: '512', unit: 'MB' } } };
    assert.deepEqual(parseAmdSmi(JSON.stringify([old])), [
      { index: '1', uuid: null, utilizationPercent: null, memoryBytes: 512 * MIB },
    ]);
  });
});

describe("a job's GPUs", () => {
  it("are found by index or UUID, in the job's order", () => {
    const readings = [
      { index: '0', uuid: 'GPU-a', utilizationPercent: 1, memoryBytes: 10 },
      { index: '1', uuid: 'GPU-b', utilizationPercent: 2, memoryBytes: 20 },
    ];
    assert.deepEqual(gpusOf(['GPU-b', '0', '7'], readings), [
      { device: 'GPU-b', utilizationPercent: 2, memoryBytes: 20 },
      { device: '0', utilizationPercent: 1, memoryBytes: 10 },
    ]);
  });
});
