import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BerthError } from '@berth/core';
import type { Host } from './detect/host.ts';
import { freeDevices, heldDevices, instanceTypes } from './instance-types.ts';
import { GPU_LESS, gpus, localCloud } from './testing/local-cloud.ts';

const names = (host: Host): readonly string[] => instanceTypes(host).map((type) => type.name);

test('a machine without GPUs is one offer: all of it', async () => {
  await using cloud = await localCloud(GPU_LESS, { price: 0.25 });
  assert.deepEqual(await cloud.backend.offers(null, cloud.call()), [
    {
      id: 'here/local/-/local/on-demand',
      backend: 'here',
      instanceType: 'local',
      region: 'local',
      zone: null,
      capacityType: 'on-demand',
      pricePerHour: 0.25,
      availability: 'available',
      resources: { cpus: 8, cpuArch: 'x86', memoryMiB: 32_768, diskMiB: 102_400, accelerators: [] },
    },
  ]);
});

test('a machine with GPUs is offered with each number of them, and without', () => {
  assert.deepEqual(names({ ...GPU_LESS, gpus: gpus(3) }), ['local', 'local-gpu-1', 'local-gpu-2', 'local-gpu-3']);
});

test('different GPUs are never mixed, and every offer has a name of its own', () => {
  const mixed = [
    ...gpus(1),
    ...gpus(1, 'RTX4080SUPER', 16_384),
    ...gpus(1).map((gpu) => ({ ...gpu, id: 'GPU-other' })),
  ];
  assert.deepEqual(names({ ...GPU_LESS, gpus: mixed }), [
    'local',
    'local-gpu-rtx3090-1',
    'local-gpu-rtx3090-2',
    'local-gpu-rtx4080super-1',
  ]);
  const sizes = [...gpus(1, 'A100', 40_960), ...gpus(1, 'A100', 81_920)];
  assert.deepEqual(names({ ...GPU_LESS, gpus: sizes }), [
    'local',
    'local-gpu-a100-nvidia-40gb-1',
    'local-gpu-a100-nvidia-80gb-1',
  ]);
});

test('a device is held in the name of its vendor: AMD counts from 0, and so may others', () => {
  const host: Host = {
    ...GPU_LESS,
    gpus: [
      { id: '0', vendor: 'amd', name: 'MI210', memoryMiB: 65_536, known: true },
      { id: '0', vendor: 'intel', name: 'Max1550', memoryMiB: 131_072, known: true },
    ],
  };
  const [, amd, intel] = instanceTypes(host);
  assert.ok(amd !== undefined && intel !== undefined);
  const held = heldDevices([{ resources: amd.resources, gpuDevices: ['0'] }]);
  assert.equal(freeDevices(amd, held), null);
  assert.deepEqual(freeDevices(intel, held), ['0']);
});

test('what is not free now is told as not available', async () => {
  await using cloud = await localCloud({ ...GPU_LESS, gpus: gpus(2) });
  await cloud.backend.compute.create(cloud.request('a1', 'local-gpu-1'), cloud.call());
  const offers = await cloud.backend.offers(null, cloud.call());
  assert.deepEqual(
    offers.map(({ instanceType, availability }) => `${instanceType} ${availability}`),
    ['local available', 'local-gpu-1 available', 'local-gpu-2 not-available'],
  );
});

test('the configuration has defaults, and limits that are told', async () => {
  await using cloud = await localCloud();
  assert.deepEqual(cloud.backend.config, { max_instances: 16, price: 0 });
  assert.match(cloud.backend.account, /^.+@.+$/);
  assert.deepEqual(cloud.backend.facets, ['agent']);
  for (const [config, path] of [
    [{ max_instances: 0 }, 'config.max_instances'],
    [{ max_instances: 65 }, 'config.max_instances'],
    [{ max_instances: 1.5 }, 'config.max_instances'],
    [{ price: -1 }, 'config.price'],
    [{ prize: 1 }, 'config.prize'],
  ] as const) {
    await assert.rejects(localCloud(GPU_LESS, config), (error) => {
      return error instanceof BerthError && error.issues[0]?.path === path;
    });
  }
});
