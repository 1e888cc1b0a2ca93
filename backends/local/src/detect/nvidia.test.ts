import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findNvidia, parseMigListing, parseNvidiaListing } from './nvidia.ts';
import type { Probe, ProbeOutcome } from './probe.ts';

// Rows that people posted of their machines; the columns are brought into the order that we ask for.
const GTX_1660 = '0, GPU-43b14c17-b685-e8ad-ab90-abc0d70fca06, NVIDIA GeForce GTX 1660 SUPER, 6144, [N/A]\n';
const TWO_H100 = `0, GPU-3c2e38d1-6a2c-4a31-b44b-9d82a8c80735, NVIDIA H100 80GB HBM3, 81559, Disabled
1, GPU-722d1344-1b6d-4a95-8cb9-1c572eb5ad94, NVIDIA H100 80GB HBM3, 81559, Disabled
`;
const MIXED_WITH_HEADER = `index, uuid, name, memory.total [MiB]
0, GPU-e4252fcb-8ed4-ef11-71cd-d36a23871c75, NVIDIA GeForce RTX 4080 SUPER, 16376 MiB
1, GPU-358353dd-5933-1dc6-ac0d-e1189b063e4c, NVIDIA GeForce RTX 3090, 24576 MiB
`;
const MIXED_WORKSTATION = `0, GPU-30667114-4567-bc4a-029b-3375d117048e, NVIDIA RTX A5000, 24564, [N/A]
1, GPU-fbe2dd5d-3644-5c37-3179-8ad50079b7d4, NVIDIA RTX 4500 Ada Generation, 24570, [N/A]
`;
const DGX_SPARK = '0, GPU-d991dc71-7825-0bf8-3339-cb2e7ead6a32, NVIDIA GB10, [N/A], [N/A]\n';
const LAPTOP = '0, GPU-2eba79a0-a13b-4e1f-9d40-51f0c6a01b3e, NVIDIA GeForce RTX 4090 Laptop GPU, 16376, [N/A]\r\n';
const OLD_T4 = '0, GPU-2a7fadae-a692-1c44-2c57-6645a0d117e4, Tesla T4, 15360\n';
const LOST = `0, GPU-efe4927a-743f-e4cc-28bb-da604f545b6d, NVIDIA RTX A6000, 49140, [N/A]
1, GPU-12463b8c-40bb-7322-6c7a-ef48bd7bd39b, [GPU is lost], [GPU is lost], [GPU is lost]
`;
const NO_HANDLE = `Unable to determine the device handle for GPU1: 0000:34:00.0: Unknown Error
0, GPU-efe4927a-743f-e4cc-28bb-da604f545b6d, NVIDIA RTX A6000, 49140, [N/A]
`;
const DRIVER_FAILED =
  "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. " +
  'Make sure that the latest NVIDIA driver is installed and running.\n\n';
const MISMATCH = 'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 535.183\n';
const MIG_ROWS = `0, GPU-7fdaf0a5-179b-f636-d15d-daf243e3ff16, NVIDIA A100-SXM4-80GB, 81920, Enabled
1, GPU-89fdc1e1-18b2-f499-c12b-82bcb9bfb3fa, NVIDIA A100-SXM4-80GB, 81920, Disabled
`;
const MIG_LISTING = `GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-7fdaf0a5-179b-f636-d15d-daf243e3ff16)
  MIG 1g.10gb     Device  0: (UUID: MIG-feb88891-0321-5fef-9c87-d4af3b54259e)
  MIG 3g.40gb     Device  1: (UUID: MIG-a25704ba-3a06-5299-a795-fd7cf4d13973)
GPU 1: NVIDIA A100-SXM4-80GB (UUID: GPU-89fdc1e1-18b2-f499-c12b-82bcb9bfb3fa)
`;
const OLD_MIG_LISTING = `GPU 0: A100-SXM4-40GB (UUID: GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f)
  MIG 1g.5gb Device 0: (UUID: MIG-GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f/7/0)
  MIG 1g.5gb Device 1: (UUID: MIG-GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f/8/0)
`;

const HOST_MEMORY = 64 * 1024;

const done = (output: string, exitCode = 0): ProbeOutcome => ({ kind: 'done', output, exitCode });
const find = (probe: Probe) => findNvidia(probe, HOST_MEMORY, new AbortController().signal);
const findIn = (output: string, exitCode = 0) => find(async () => done(output, exitCode));
const short = async (output: string) =>
  (await findIn(output)).devices.map(({ name, memoryMiB, known }) => ({ name, memoryMiB, known }));

test('one device', async () => {
  const { devices, notes } = await findIn(TWO_H100.split('\n')[0] ?? '');
  assert.deepEqual(devices, [
    {
      id: 'GPU-3c2e38d1-6a2c-4a31-b44b-9d82a8c80735',
      vendor: 'nvidia',
      name: 'H100',
      memoryMiB: 80 * 1024,
      known: true,
    },
  ]);
  assert.deepEqual(notes, []);
});

test('several devices of one model, and of different ones', async () => {
  assert.deepEqual(
    (await findIn(TWO_H100)).devices.map((device) => device.id),
    ['GPU-3c2e38d1-6a2c-4a31-b44b-9d82a8c80735', 'GPU-722d1344-1b6d-4a95-8cb9-1c572eb5ad94'],
  );
  assert.deepEqual(await short(MIXED_WITH_HEADER), [
    { name: 'RTX4080SUPER', memoryMiB: 16 * 1024, known: true },
    { name: 'RTX3090', memoryMiB: 24 * 1024, known: true },
  ]);
  assert.deepEqual(await short(MIXED_WORKSTATION), [
    { name: 'A5000', memoryMiB: 24 * 1024, known: true },
    { name: 'RTX4500Ada', memoryMiB: 24 * 1024, known: true },
  ]);
});

test('a device without MIG shows [N/A] for its mode; a driver that knows no MIG shows nothing', async () => {
  assert.deepEqual(parseNvidiaListing(GTX_1660).rows, [
    {
      uuid: 'GPU-43b14c17-b685-e8ad-ab90-abc0d70fca06',
      name: 'NVIDIA GeForce GTX 1660 SUPER',
      memoryMiB: 6144,
      mig: false,
    },
  ]);
  assert.deepEqual(await short(OLD_T4), [{ name: 'T4', memoryMiB: 16 * 1024, known: true }]);
});

test('a driver too old to be asked about MIG is asked without', async () => {
  const asked: string[] = [];
  const { devices } = await find(async (_program, args) => {
    asked.push(args[0] ?? '');
    return args[0]?.includes('mig')
      ? done('Field "mig.mode.current" is not a valid field to query.\n\n', 2)
      : done(OLD_T4);
  });
  assert.equal(devices.length, 1);
  assert.deepEqual(asked, [
    '--query-gpu=index,uuid,name,memory.total,mig.mode.current',
    '--query-gpu=index,uuid,name,memory.total',
  ]);
});

test('a device that shares the memory of the host has no memory of its own to report', async () => {
  assert.deepEqual(await short(DGX_SPARK), [{ name: 'GB10', memoryMiB: 128 * 1024, known: true }]);
  const unknown = DGX_SPARK.replace('GB10', 'GB99');
  assert.deepEqual(await short(unknown), [{ name: 'NVIDIA GB99', memoryMiB: HOST_MEMORY, known: false }]);
});

test('a device that the registry does not know keeps its label and its memory', async () => {
  assert.deepEqual(await short(LAPTOP), [
    { name: 'NVIDIA GeForce RTX 4090 Laptop GPU', memoryMiB: 16376, known: false },
  ]);
});

test('a device that fell off the bus is named and not offered; its neighbours are', async () => {
  for (const output of [LOST, NO_HANDLE]) {
    const { devices, notes } = await findIn(output);
    assert.deepEqual(
      devices.map((device) => device.name),
      ['A6000'],
    );
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? '', /^nvidia-smi: .*(lost|Unknown Error)/);
  }
});

test('a driver that does not answer is an explanation, and no device', async () => {
  for (const [output, exitCode] of [
    [DRIVER_FAILED, 9],
    [MISMATCH, 18],
    ['No devices were found\n', 6],
  ] as const) {
    const { devices, notes } = await findIn(output, exitCode);
    assert.deepEqual(devices, []);
    assert.match(notes[0] ?? '', /^nvidia-smi: (NVIDIA-SMI has failed|Failed to initialize NVML|No devices)/);
  }
  assert.match((await find(async () => ({ kind: 'late' }))).notes[0] ?? '', /did not answer/);
});

test('a machine without the tool has nothing to explain', async () => {
  assert.deepEqual(await find(async () => ({ kind: 'absent' })), { devices: [], notes: [] });
});

test('a device in MIG mode is offered as its slices, which no request for the whole device matches', async () => {
  const { devices, notes } = await find(async (_program, args) => done(args[0] === '-L' ? MIG_LISTING : MIG_ROWS));
  assert.deepEqual(
    devices.map(({ id, name, memoryMiB, known }) => ({ id, name, memoryMiB, known })),
    [
      {
        id: 'MIG-feb88891-0321-5fef-9c87-d4af3b54259e',
        name: 'NVIDIA A100-SXM4-80GB MIG 1g.10gb',
        memoryMiB: 10 * 1024,
        known: false,
      },
      {
        id: 'MIG-a25704ba-3a06-5299-a795-fd7cf4d13973',
        name: 'NVIDIA A100-SXM4-80GB MIG 3g.40gb',
        memoryMiB: 40 * 1024,
        known: false,
      },
      { id: 'GPU-89fdc1e1-18b2-f499-c12b-82bcb9bfb3fa', name: 'A100', memoryMiB: 80 * 1024, known: true },
    ],
  );
  assert.deepEqual(notes, []);
});

test('a device in MIG mode without slices is not offered, and the reason is told', async () => {
  const bare = MIG_LISTING.replaceAll(/^ {2}MIG.*\n/gm, '');
  const { devices, notes } = await find(async (_program, args) => done(args[0] === '-L' ? bare : MIG_ROWS));
  assert.equal(devices.length, 1);
  assert.match(notes[0] ?? '', /MIG mode/);
});

test("the slices' ids are read in the form of old drivers too", () => {
  assert.deepEqual(parseMigListing(OLD_MIG_LISTING), [
    {
      parent: 'GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f',
      profile: '1g.5gb',
      uuid: 'MIG-GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f/7/0',
    },
    {
      parent: 'GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f',
      profile: '1g.5gb',
      uuid: 'MIG-GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f/8/0',
    },
  ]);
});

test('a comma in a name does not move the columns', () => {
  const row = parseNvidiaListing('0, GPU-2a7fadae-a692-1c44-2c57-6645a0d117e4, Vendor, Model X, 8192, Disabled')
    .rows[0];
  assert.deepEqual(row, {
    uuid: 'GPU-2a7fadae-a692-1c44-2c57-6645a0d117e4',
    name: 'Vendor, Model X',
    memoryMiB: 8192,
    mig: false,
  });
});
