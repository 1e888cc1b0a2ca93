import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findAmd, parseAmdSmi, parseRocmSmi } from './amd.ts';
import type { Probe, ProbeOutcome } from './probe.ts';

// Listings that people posted of their machines, shortened to the parts that we ask for.
const MI210 = JSON.stringify({
  gpu_data: [
    {
      gpu: 0,
      asic: {
        market_name: 'AMD Instinct MI210',
        vendor_id: '0x1002',
        vendor_name: 'Advanced Micro Devices Inc. [AMD/ATI]',
        device_id: '0x740f',
        rev_id: '0x02',
        oam_id: 'N/A',
        num_compute_units: 104,
        target_graphics_version: 'gfx90a',
      },
      vram: { type: 'HBM', vendor: 'HYNIX', size: { value: 65520, unit: 'MB' }, bit_width: 4096 },
    },
  ],
});
const STRIX_HALO = JSON.stringify([
  {
    gpu: 0,
    asic: {
      market_name: 'Strix Halo [Radeon Graphics / Radeon 8050S Graphics / Radeon 8060S Graphics]',
      device_id: '0x1586',
      target_graphics_version: 'gfx1151',
    },
    vram: { type: 'LPDDR5', vendor: 'N/A', size: { value: 98304, unit: 'MB' } },
  },
]);
const CARD_AND_CPU_GRAPHICS = JSON.stringify([
  {
    asic: { market_name: 'AMD Radeon AI PRO R9700', vendor_id: '0x1002', target_graphics_version: 'gfx1201' },
    vram: { size: { value: 32624, unit: 'MB' } },
  },
  {
    asic: { market_name: 'AMD Radeon Graphics', vendor_id: '0x1002', target_graphics_version: 'gfx1036' },
    vram: { size: { value: 2048, unit: 'MB' } },
  },
]);
const RX_7900_XT = `

WARNING: AMD GPU device(s) is/are in a low-power state. Check power control/runtime_status

{
  "card0": {
    "GPU use (%)": "0",
    "VRAM Total Memory (B)": "21458059264",
    "VRAM Total Used Memory (B)": "27856896",
    "Card Series": "Radeon RX 7900 XT",
    "Card Model": "0x744c",
    "Card Vendor": "Advanced Micro Devices, Inc. [AMD/ATI]",
    "Card SKU": "D70401XT",
    "Node ID": "1",
    "GUID": "26967",
    "GFX Version": "gfx1100"
  }
}
`;
const MI250X = JSON.stringify({
  card0: {
    'Card Series': 'AMD INSTINCT MI200 (MCM) OAM LC MBA HPE C2',
    'Card Model': '0x7408',
    'Card Vendor': 'Advanced Micro Devices, Inc. [AMD/ATI]',
    'Node ID': '7',
    'GFX Version': 'gfx9010',
    'VRAM Total Memory (B)': '137438953472',
  },
  system: { 'Driver version': '6.7.0' },
});
const MI300X_WITHOUT_NAME = JSON.stringify({
  card0: { 'Card series': 'N/A', 'Card model': '0x74a1', 'VRAM Total Memory (B)': '206141652992' },
});

const HOST_MEMORY = 64 * 1024;
const absent: ProbeOutcome = { kind: 'absent' };
const done = (output: string): ProbeOutcome => ({ kind: 'done', output, exitCode: 0 });
const find = (probe: Probe) => findAmd(probe, HOST_MEMORY, new AbortController().signal);
const amdSmi = (listing: string, nodes = '[]') =>
  find(async (program, args) => (program === 'amd-smi' ? done(args[0] === 'list' ? nodes : listing) : absent));
const rocmSmi = (listing: string) => find(async (program) => (program === 'rocm-smi' ? done(listing) : absent));

test('amd-smi: a listing under gpu_data, and a bare one', async () => {
  assert.deepEqual((await amdSmi(MI210)).devices, [
    { id: '0', vendor: 'amd', name: 'MI210', memoryMiB: 64 * 1024, known: true },
  ]);
  assert.deepEqual((await amdSmi(STRIX_HALO)).devices, [
    {
      id: '0',
      vendor: 'amd',
      name: 'Strix Halo [Radeon Graphics / Radeon 8050S Graphics / Radeon 8060S Graphics]',
      memoryMiB: 96 * 1024,
      known: false,
    },
  ]);
});

test('the graphics of the CPU is not offered, and the reason is told', async () => {
  const { devices, notes } = await amdSmi(CARD_AND_CPU_GRAPHICS);
  assert.deepEqual(
    devices.map((device) => device.name),
    ['R9700'],
  );
  assert.match(notes[0] ?? '', /AMD Radeon Graphics with 2048 MiB .* not offered/);
});

test('devices are numbered as the runtime numbers them: by their node, not by the number of the tool', async () => {
  const two = JSON.stringify([
    { gpu: 0, asic: { market_name: 'AMD Instinct MI210' }, vram: { size: '65520 MB' } },
    { gpu: 1, asic: { market_name: 'AMD Instinct MI100' }, vram: { size: '32752 MB' } },
  ]);
  const nodes = JSON.stringify([
    { gpu: 0, bdf: '0000:83:00.0', kfd_id: 27295, node_id: 3 },
    { gpu: 1, bdf: '0000:0b:00.0', kfd_id: 36538, node_id: 2 },
  ]);
  const named = async (listing: string) => (await amdSmi(two, listing)).devices.map(({ id, name }) => `${id} ${name}`);
  assert.deepEqual(await named(nodes), ['0 MI100', '1 MI210']);
  assert.deepEqual(await named('no JSON'), ['0 MI210', '1 MI100']);
});

test('a device that is not offered keeps its number: the runtime counts it too', async () => {
  const [card, cpu] = JSON.parse(CARD_AND_CPU_GRAPHICS);
  const { devices } = await amdSmi(
    JSON.stringify([
      { gpu: 0, ...cpu },
      { gpu: 1, ...card },
    ]),
  );
  assert.deepEqual(
    devices.map((device) => device.id),
    ['1'],
  );
});

test('rocm-smi: a listing after a warning', async () => {
  assert.deepEqual((await rocmSmi(RX_7900_XT)).devices, [
    { id: '0', vendor: 'amd', name: 'RX7900XT', memoryMiB: 20 * 1024, known: true },
  ]);
});

test('rocm-smi: a name that says nothing gives way to the number of the model', async () => {
  assert.deepEqual((await rocmSmi(MI250X)).devices, [
    { id: '0', vendor: 'amd', name: 'MI250X', memoryMiB: 128 * 1024, known: true },
  ]);
  assert.deepEqual((await rocmSmi(MI300X_WITHOUT_NAME)).devices, [
    { id: '0', vendor: 'amd', name: 'MI300X', memoryMiB: 192 * 1024, known: true },
  ]);
});

test('amd-smi that fails gives way to rocm-smi', async () => {
  const { devices } = await find(async (program) =>
    program === 'amd-smi' ? done('ModuleNotFoundError: No module named amdsmi') : done(RX_7900_XT),
  );
  assert.equal(devices.length, 1);
});

test('tools that fail are an explanation, absent ones are not', async () => {
  assert.deepEqual(await find(async () => absent), { devices: [], notes: [] });
  const { devices, notes } = await find(async (program) =>
    program === 'amd-smi' ? { kind: 'late' } : done('\nERROR: GPU[0] : unable to initialize rsmi\n'),
  );
  assert.deepEqual(devices, []);
  assert.match(notes.join('\n'), /amd-smi did not answer.*\nrocm-smi: ERROR: GPU\[0\]/);
});

test('what is no listing is told from an empty one', () => {
  for (const text of ['', '{', '[1, "x"]x', 'null', '7']) assert.equal(parseRocmSmi(text), null);
  assert.equal(parseAmdSmi('{"unrelated":1}'), null);
  assert.deepEqual(parseAmdSmi('{"gpu_data":[]}'), []);
  assert.deepEqual(parseAmdSmi('[{"gpu":0,"asic":"N/A","vram":"N/A"}]'), [
    { index: 0, node: null, labels: [], memoryMiB: null },
  ]);
});
