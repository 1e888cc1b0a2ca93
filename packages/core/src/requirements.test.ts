import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRequirements, toRequirements } from './requirements.ts';

test('requirements are shown in the words of the configuration', () => {
  assert.equal(formatRequirements(toRequirements(null, {})), 'cpu 1.. memory 0GB..');
  const requirements = toRequirements(
    {
      cpu: { arch: 'arm', count: { min: 8, max: 8 } },
      memory: { min: 16_384, max: null },
      disk: { min: null, max: 102_400 },
      shm_size: 1024,
      gpu: {
        vendor: 'nvidia',
        names: ['A100'],
        count: { min: 2, max: 4 },
        memoryMiB: { min: 81_920, max: 81_920 },
        totalMemoryMiB: null,
        computeCapability: null,
      },
    },
    {},
  );
  assert.equal(
    formatRequirements(requirements),
    'cpu arm:8 memory 16GB.. disk ..100GB shm 1GB gpu nvidia:A100:80GB:2..4',
  );
});

test('an empty list does not narrow the search', () => {
  const requirements = toRequirements(null, { regions: [], backends: ['aws'], spot_policy: 'spot' });
  assert.equal(requirements.regions, null);
  assert.deepEqual(requirements.backends, ['aws']);
  assert.deepEqual(requirements.capacityTypes, ['spot']);
});
