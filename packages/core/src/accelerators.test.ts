import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  allAccelerators,
  findAccelerator,
  knownAcceleratorNames,
  knownMemory,
  resolveAccelerator,
  snapMemory,
} from './accelerators.ts';

const GIB = 1024;

/** [label, name, memory in GiB that the label says or null]. Spelled as the named party spells it. */
const LABELS: readonly (readonly [label: string, name: string, gib: number | null])[] = [
  // nvidia-smi, which RunPod's GPU ids repeat
  ['NVIDIA A100-SXM4-80GB', 'A100', 80],
  ['NVIDIA A100-SXM4-40GB', 'A100', 40],
  ['NVIDIA A100-PCIE-40GB', 'A100', 40],
  ['NVIDIA A100 80GB PCIe', 'A100', 80],
  ['NVIDIA A30', 'A30', null],
  ['NVIDIA A10', 'A10', null],
  ['NVIDIA A10G', 'A10G', null],
  ['NVIDIA A40', 'A40', null],
  ['NVIDIA B200', 'B200', null],
  ['NVIDIA B300 SXM6 AC', 'B300', null],
  ['NVIDIA GB10', 'GB10', null],
  ['NVIDIA GB200', 'GB200', null],
  ['NVIDIA GB300', 'GB300', null],
  ['NVIDIA GH200 480GB', 'GH200', 96], // the 480 GB are the CPU's
  ['NVIDIA GH200 144G HBM3e', 'GH200', 144],
  ['NVIDIA H100 80GB HBM3', 'H100', 80],
  ['NVIDIA H100 PCIe', 'H100', null],
  ['NVIDIA H100 NVL', 'H100NVL', null],
  ['NVIDIA H200', 'H200', null],
  ['NVIDIA H200 NVL', 'H200NVL', null],
  ['NVIDIA H20', 'H20', null],
  ['NVIDIA L4', 'L4', null],
  ['NVIDIA L40', 'L40', null],
  ['NVIDIA L40S', 'L40S', null],
  ['Tesla T4', 'T4', null],
  ['NVIDIA T4G', 'T4G', null],
  ['Tesla K80', 'K80', null],
  ['Tesla P100-PCIE-16GB', 'P100', 16],
  ['Tesla V100-SXM2-16GB', 'V100', 16],
  ['Tesla V100-SXM2-32GB', 'V100', 32],
  ['Tesla V100-FHHL-16GB', 'V100', 16],
  ['Tesla V100S-PCIE-32GB', 'V100S', 32],
  ['Quadro RTX 6000', 'RTX6000', null],
  ['Quadro RTX 8000', 'RTX8000', null],
  ['Quadro P4000', 'P4000', null],
  ['NVIDIA TITAN V', 'TITANV', null],
  ['NVIDIA TITAN RTX', 'TITANRTX', null],
  ['NVIDIA RTX A2000', 'A2000', null],
  ['NVIDIA RTX A2000 12GB', 'A2000', 12],
  ['NVIDIA RTX A4000', 'A4000', null],
  ['NVIDIA  RTX A4500', 'A4500', null],
  ['NVIDIA RTX A6000', 'A6000', null],
  ['NVIDIA RTX 2000 Ada Generation', 'RTX2000Ada', null],
  ['NVIDIA RTX 4000 Ada Generation', 'RTX4000Ada', null],
  ['NVIDIA RTX 4000 SFF Ada Generation', 'RTX4000Ada', null],
  ['NVIDIA RTX 5000 Ada Generation', 'RTX5000Ada', null],
  ['NVIDIA RTX 6000 Ada Generation', 'RTX6000Ada', null],
  ['NVIDIA RTX PRO 4500 Blackwell', 'RTXPRO4500', null],
  ['NVIDIA RTX PRO 6000 Blackwell Server Edition', 'RTXPRO6000', null],
  ['NVIDIA RTX PRO 6000 Blackwell Workstation Edition', 'RTXPRO6000', null],
  ['NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition', 'RTXPRO6000', null],
  ['NVIDIA GeForce RTX 2080 Ti', 'RTX2080Ti', null],
  ['NVIDIA GeForce RTX 3080TI', 'RTX3080Ti', null],
  ['NVIDIA GeForce RTX 4080 SUPER', 'RTX4080SUPER', null],
  ['NVIDIA GeForce RTX 4090', 'RTX4090', null],
  ['NVIDIA GeForce RTX 4090 D', 'RTX4090D', null],
  ['NVIDIA GeForce RTX 5090', 'RTX5090', null],
  ['NVIDIA GeForce GTX 1080 Ti', 'GTX1080Ti', null],
  // AWS: price list and DescribeInstanceTypes
  ['NVIDIA B200 Blackwell', 'B200', null],
  ['NVIDIA GRID K520', 'K520', null],
  ['NVIDIA RTX PRO 6000 Blackwell', 'RTXPRO6000', null],
  ['RTX PRO Server 6000', 'RTXPRO6000', null],
  ['RTX PRO 4500', 'RTXPRO4500', null],
  ['AMD Radeon Pro V520', 'V520', null],
  ['Gaudi HL-205', 'Gaudi', null],
  // Google Cloud, Vertex AI, GKE
  ['nvidia-tesla-t4', 'T4', null],
  ['nvidia-tesla-t4-vws', 'T4', null],
  ['nvidia-tesla-p4', 'P4', null],
  ['nvidia-tesla-a100', 'A100', null],
  ['nvidia-a100-80gb', 'A100', 80],
  ['nvidia-h100-80gb', 'H100', 80],
  ['nvidia-h100-mega-80gb', 'H100', 80],
  ['nvidia-h200-141gb', 'H200', 141],
  ['nvidia-b200', 'B200', null],
  ['nvidia-gb200', 'GB200', null],
  ['nvidia-rtx-pro-6000', 'RTXPRO6000', null],
  ['NVIDIA_A100_80GB', 'A100', 80],
  ['TPU_V5_LITEPOD', 'v5litepod', null],
  ['tpu-v5-lite-podslice', 'v5litepod', null],
  ['tpu-v5p-slice', 'v5p', null],
  ['tpu-v6e-slice', 'v6e', null],
  ['tpu-v4-podslice', 'v4', null],
  ['tpu7x', 'tpu7x', null],
  // SkyPilot
  ['A100-80GB-SXM', 'A100', 80],
  ['H100-MEGA', 'H100', null],
  ['H100-NVL', 'H100NVL', null],
  ['H100-NVLINK', 'H100', null],
  ['V100-32GB', 'V100', 32],
  ['RTX6000-Ada', 'RTX6000Ada', null],
  ['RTX4000-Ada', 'RTX4000Ada', null],
  ['RTXA6000', 'A6000', null],
  ['Radeon MI25', 'MI25', null],
  ['T4g', 'T4G', null],
  // Vast.ai
  ['RTX 4070S Ti', 'RTX4070TiSUPER', null],
  ['RTX 4080S', 'RTX4080SUPER', null],
  ['RTX 6000Ada', 'RTX6000Ada', null],
  ['RTX PRO 6000 WS', 'RTXPRO6000', null],
  ['RTX PRO 6000 S', 'RTXPRO6000', null],
  ['Q RTX 8000', 'RTX8000', null],
  ['GH200 SXM', 'GH200', null],
  ['InstinctMI50', 'MI50', null],
  ['Titan Xp', 'TITANXp', null],
  // others
  ['RTX PRO 6000 MaxQ', 'RTXPRO6000', null], // RunPod
  ['RTX PRO 6000 WK', 'RTXPRO6000', null],
  ['V100 SXM2 32GB', 'V100', 32],
  ['H100 (80 GB SXM5)', 'H100', 80], // Lambda
  ['A10 (24 GB PCIe)', 'A10', 24],
  ['nvidia_rtx4000_ada', 'RTX4000Ada', null], // DigitalOcean
  ['GB200 (NVL72)', 'GB200', null], // OCI
  ['rtx a6000 48gb', 'A6000', 48], // Seeweb
  ['a100_80', 'A100', 80], // Slurm
  ['A100-PCIe-40', 'A100', 40],
  ['NVIDIA A100 Tensor Core GPU', 'A100', null],
  ['H100-94GB', 'H100NVL', 94],
  ['B300 288GB', 'B300', 270], // as sold, and as it is
  ['B200 192GB', 'B200', 180],
  // AMD: amd-smi, rocm-smi
  ['AMD Instinct MI300X', 'MI300X', null],
  ['AMD Instinct MI300X OAM', 'MI300X', null],
  ['AMD Instinct™ MI325X', 'MI325X', null],
  ['AMD Instinct MI300X VF', 'MI300X', null],
  ['0x74a1', 'MI300X', null],
  ['AMD Radeon RX 7900 XTX', 'RX7900XTX', null],
  // Intel, Tenstorrent
  ['Gaudi2', 'Gaudi2', null],
  ['Intel Gaudi 3', 'Gaudi3', null],
  ['HL-225', 'Gaudi2', null],
  ['Intel(R) Data Center GPU Max 1550', 'Max1550', null],
  ['n150', 'n150', null],
  ['tt n150d', 'n150', null],
  ['Tenstorrent Wormhole n300', 'n300', null],
  ['p150b', 'p150', null],
  ['tt-galaxy-wh', 'tt-galaxy-wh', null],
  // AWS: price list and DescribeInstanceTypes
  ['AWS Inferentia', 'Inferentia', null],
  ['AWS Inferentia2', 'Inferentia2', null],
  ['AWS Trainium', 'Trainium', null],
  ['Trainium1', 'Trainium', null],
  ['Trainium2', 'Trainium2', null],
  ['AWS Trainium3', 'Trainium3', null],
  ['Qualcomm AI 100', 'AI100', null],
  ['Qualcomm Cloud AI 100 Standard', 'AI100', 16],
  ['Cloud AI 100 Pro', 'AI100', 32],
  ['AI 100 Ultra', 'AI100Ultra', null],
  ['ARM Mali-G78MP12', 'Mali-G78MP12', null],
  ['Virtex UltraScale (VU9P)', 'VU9P', null],
  ['Xilinx Virtex UltraScale+ VU47P', 'VU47P', null],
  ['Alveo U30', 'AlveoU30', null],
  ['Xilinx U250', 'AlveoU250', null],
  // Azure's sizes and Vast.ai's hosts
  ['Radeon Pro V710', 'V710', null],
  ['PRO W7800', 'W7800', null],
  ['RX 6950 XT', 'RX6950XT', null],
  ['Quadro P2000', 'P2000', null],
  // TensorDock's displayName
  ['NVIDIA GeForce RTX 4090 PCIe 24GB', 'RTX4090', 24],
  ['NVIDIA GeForce RTX 3090 PCIe 24GB', 'RTX3090', 24],
  ['NVIDIA RTX A4000 PCIe 16GB', 'A4000', 16],
  ['NVIDIA RTX 6000 Ada PCIe 48GB', 'RTX6000Ada', 48],
  ['NVIDIA H100 SXM5 80GB', 'H100', 80],
  ['AMD Radeon Pro V520', 'V520', null],
  ['NVIDIA GRID K520', 'K520', null],
  ['NVIDIA M60', 'M60', null],
  ['NVIDIA K80', 'K80', null],
  ['NVIDIA B200 Blackwell', 'B200', null],
  ['NVIDIA B300 Blackwell', 'B300', null],
  ['NVIDIA RTX PRO 6000 Blackwell', 'RTXPRO6000', null],
  ['RTX PRO Server 6000', 'RTXPRO6000', null],
  ['RTX PRO 4500', 'RTXPRO4500', null],
  // what gpuhunt's table lacks
  ['A2', 'A2', null],
  ['A800-80GB', 'A800', 80],
  ['P4', 'P4', null],
  ['P40', 'P40', null],
  ['L20', 'L20', null],
  ['GB200 NVL4', 'GB200', null],
  ['GTX 1080 Ti', 'GTX1080Ti', null],
  ['RTX 5000 Ada', 'RTX5000Ada', null],
  ['RTX4500-Ada', 'RTX4500Ada', null],
  ['RTX 3080 12GB', 'RTX3080', 12],
  ['H100 96GB', 'H100', 96],
  ['GH200 144GB', 'GH200', 144],
  ['Radeon Pro V620', 'V620', null],
  ['RX7900XTX', 'RX7900XTX', null],
  ['QuadroRTX6000', 'RTX6000', null],
  ['L40S-48GB', 'L40S', 48],
  ['H100-SXM', 'H100', null],
  ['tpu-v6e-16', 'v6e', null],
  ['tpu-v7', 'tpu7x', null],
  // users
  ['A100', 'A100', null],
  ['a100-80gb', 'A100', 80],
  ['H100', 'H100', null],
  ['RTX 4090', 'RTX4090', null],
  ['rtx_4090', 'RTX4090', null],
  ['4090', 'RTX4090', null],
  ['RTX 6000 PRO', 'RTXPRO6000', null],
  ['tpu-v5e', 'v5litepod', null],
  ['tpu v5litepod', 'v5litepod', null],
];

test('labels of users, drivers and clouds resolve to the device that they mean', () => {
  for (const [label, name, gib] of LABELS) {
    const resolved = resolveAccelerator(label);
    assert.equal(resolved?.name, name, label);
    assert.equal(resolved?.memoryMiB ?? null, gib === null ? null : gib * GIB, `memory of ${label}`);
  }
});

test('chips of AWS and Qualcomm have the memory that their makers document', () => {
  const gib = (name: string) => findAccelerator(name)?.memorySizesMiB.map((size) => size / GIB);
  assert.deepEqual(gib('Inferentia'), [8]);
  assert.deepEqual(gib('Inferentia2'), [32]);
  assert.deepEqual(gib('Trainium'), [32]);
  assert.deepEqual(gib('Trainium2'), [96]);
  assert.deepEqual(gib('Trainium3'), [144]);
  assert.deepEqual(gib('AI100'), [16, 32]);
});

test('a label that names another device, a part of one, or contradicts itself resolves to nothing', () => {
  const labels = [
    'NVIDIA GeForce RTX 4090 Laptop GPU', // another chip under the same number
    'RTX 2080 Max-Q',
    'RTX 3060 laptop',
    'NVIDIA A100-SXM4-80GB MIG 1g.10gb', // a slice
    'NVIDIA A10-8Q', // a third
    'GRID A100-10C',
    'NVIDIA-A100-SXM4-80GB-SHARED',
    'AMD H100',
    'NVIDIA MI300X',
    'NVIDIA AMD H100',
    'RTX 6000 48GB', // the Quadro has 24, so an Ada or an A6000 is meant
    'RTX 6000 Blackwell', // the Quadro is a Turing, so the RTX PRO may be meant
    'A5000 Ada',
    'RTX 6000 Ada SXM',
    'RTX 4090 SXM4',
    'A100-60GB',
    'A100 40GB 80GB',
    'L40 SXM5',
    'A100 SXM4 PCIe',
    'A100-8', // eight of them?
    'A10 0', // the first of them?
    'L4 0S',
    'MI250X / MI250',
    'tpu-v5', // v5e or v5p
    'v2-7', // half a chip
    'v5litepod-0',
    'tt',
    'tpu',
    'nvidia',
    'GPU',
    '80GB',
    '',
    ' - ',
    'unknown',
    'H100X',
    'A1000',
    'constructor',
    '__proto__',
    'H100'.repeat(1000),
  ];
  for (const label of labels) assert.equal(resolveAccelerator(label), null, label);
});

test('names that begin alike stay apart', () => {
  const groups = [
    ['A10', 'A10G', 'A100', 'A100X'],
    ['A2', 'A2000', 'A16'],
    ['L4', 'L40', 'L40S', 'L2', 'L20'],
    ['T4', 'T4G'],
    ['P4', 'P40', 'P4000', 'P100', 'p100a'],
    ['V100', 'V100S'],
    ['A4000', 'RTX4000', 'RTX4000Ada', 'RTXPRO4000', 'P4000', 'M4000'],
    ['A6000', 'RTX6000', 'RTX6000Ada', 'RTXPRO6000', 'P6000'],
    ['H100', 'H100NVL', 'GH200', 'H200', 'H200NVL', 'H20'],
    ['B200', 'GB200', 'GB10'],
    ['B300', 'GB300'],
    ['RTX4070', 'RTX4070Ti', 'RTX4070SUPER', 'RTX4070TiSUPER'],
    ['RTX4090', 'RTX4090D'],
    ['Gaudi', 'Gaudi2', 'Gaudi3'],
    ['MI250', 'MI250X', 'MI25'],
  ];
  for (const name of groups.flat()) assert.equal(resolveAccelerator(name)?.name, name);
});

test('a TPU slice stands for its chips, whose number is half of the cores for some generations', () => {
  const chips = (label: string) => resolveAccelerator(label)?.count;
  assert.equal(chips('v2-8'), 4);
  assert.equal(chips('tpu-v4-16'), 8);
  assert.equal(chips('v5p-8'), 4);
  assert.equal(chips('tpu-v5litepod-8'), 8);
  assert.equal(chips('v5e-8'), 8);
  assert.equal(chips('v6e-1'), 1);
  assert.equal(chips('v6e'), null);
});

test("a request for AMD's devices is not answered with an FPGA", () => {
  assert.equal(resolveAccelerator('Alveo U250')?.vendor, 'xilinx');
});

test('a label tells the form factor that it names, or the only one that there is', () => {
  const form = (label: string) => resolveAccelerator(label)?.formFactor;
  assert.equal(form('NVIDIA A100-SXM4-80GB'), 'SXM');
  assert.equal(form('HGX H100'), 'SXM');
  assert.equal(form('NVIDIA H100 PCIe'), 'PCIe');
  assert.equal(form('NVIDIA H100 NVL'), 'NVL');
  assert.equal(form('H100'), null);
  assert.equal(form('L40S'), 'PCIe');
  assert.equal(form('RTX 4090'), 'PCIe');
});

test('compute capability is known for all of NVIDIA and nobody else', () => {
  for (const accelerator of allAccelerators()) {
    assert.equal(accelerator.computeCapability !== null, accelerator.vendor === 'nvidia', accelerator.name);
  }
  assert.deepEqual(findAccelerator('B300')?.computeCapability, [10, 3]);
  assert.deepEqual(findAccelerator('A10')?.computeCapability, [8, 6]);
  assert.deepEqual(findAccelerator('A30')?.computeCapability, [8, 0]);
});

test('devices with a CPU of their own say that it is ARM', () => {
  const arm = allAccelerators().filter((accelerator) => accelerator.hostArch === 'arm');
  assert.deepEqual(arm.map((accelerator) => accelerator.name).sort(), [
    'GB10',
    'GB200',
    'GB300',
    'GH200',
    'Mali-G78MP12',
    'T4G',
  ]);
});

test('the registry holds every accelerator that gpuhunt knows, under its name and with its sizes', () => {
  const known: Readonly<Record<string, readonly number[]>> = {
    ...{ P100: [16], V100: [16, 32], T4: [16], RTX6000: [24], RTX2060: [6, 12], RTX2060SUPER: [8], RTX2070: [8] },
    ...{ RTX2070SUPER: [8], RTX2080: [8], RTX2080SUPER: [8], RTX2080Ti: [11], A100: [40, 80], A10: [24], A10G: [24] },
    ...{ A16: [16], A40: [48], A4000: [16], A4500: [20], A5000: [24], A6000: [48], RTX3050: [6, 8], RTX3060: [8, 12] },
    ...{ RTX3060Ti: [8], RTX3070: [8], RTX3070Ti: [8], RTX3080: [10], RTX3080Ti: [12], RTX3090: [24] },
    ...{ RTX3090Ti: [24], L4: [24], L40: [48], L40S: [48], RTX2000Ada: [16], RTX4000Ada: [20], RTX6000Ada: [48] },
    ...{ RTX4060: [8], RTX4060Ti: [8, 16], RTX4070: [12], RTX4070SUPER: [12], RTX4070Ti: [12], RTX4070TiSUPER: [16] },
    ...{ RTX4080: [16], RTX4080SUPER: [16], RTX4090: [24], H100: [80], H100NVL: [94], H200: [141], H200NVL: [141] },
    ...{ GH200: [96], B200: [180], GB200: [186], B300: [270], RTX5060: [8], RTX5060Ti: [8, 16], RTX5070: [12] },
    ...{ RTX5070Ti: [16], RTX5080: [16], RTX5090: [32], RTXPRO4500: [32], RTXPRO6000: [96] },
    ...{ MI100: [32], MI210: [64], MI250: [128], MI250X: [128], MI300A: [128], MI300X: [192], MI308X: [128] },
    ...{ MI325X: [288], MI350X: [288], MI355X: [288], v2: [], v3: [], v4: [], v5p: [], v5litepod: [], v6e: [] },
    ...{ Gaudi: [32], Gaudi2: [96], Gaudi3: [128], n150: [12], n300: [24], 'tt-galaxy-wh': [12], p100a: [28] },
    ...{ p150: [32], p300: [32, 64], 'tt-galaxy-bh': [32] },
  };
  for (const [name, sizes] of Object.entries(known)) {
    const accelerator = findAccelerator(name);
    assert.ok(accelerator, name);
    for (const gib of sizes) assert.ok(accelerator.memorySizesMiB.includes(gib * GIB), `${name} ${gib} GiB`);
  }
});

test('canonical names are unique and resolve to themselves', () => {
  const names = knownAcceleratorNames();
  assert.equal(new Set(names).size, names.length);
  for (const name of names) {
    assert.equal(resolveAccelerator(name)?.name, name);
    assert.equal(findAccelerator(name)?.name, name);
  }
});

test('sizes of a device are ascending and lie too far apart to be taken for each other', () => {
  for (const { name, memorySizesMiB } of allAccelerators()) {
    assert.ok(memorySizesMiB.length > 0, name);
    for (const [i, size] of memorySizesMiB.entries()) {
      const next = memorySizesMiB[i + 1];
      if (next !== undefined) assert.ok(next - size > 0.07 * size, `${name}: ${size} and ${next}`);
    }
  }
});

test('what a driver reports snaps to the size that was built in', () => {
  const reported: readonly (readonly [name: string, mib: number, gib: number])[] = [
    ['H100', 81559, 80],
    ['A100', 40960, 40],
    ['A100', 81920, 80],
    ['H200', 143771, 141],
    ['B200', 183359, 180],
    ['B300', 275040, 270],
    ['GB300', 256703, 251],
    ['GH200', 97871, 96],
    ['L40S', 45776, 48],
    ['L40S', 46068, 48],
    ['A10G', 22888, 24],
    ['T4', 15360, 16],
    ['K80', 11441, 12],
    ['RTX6000Ada', 49140, 48],
    ['RTXPRO6000', 97887, 96],
    ['RTX4090', 24564, 24],
  ];
  for (const [name, mib, gib] of reported) {
    const accelerator = findAccelerator(name);
    assert.ok(accelerator, name);
    assert.equal(snapMemory(accelerator, mib), gib * GIB, `${name} ${mib}`);
  }
});

test('a report that is no known size is rounded, and no report is the smallest size', () => {
  const a100 = findAccelerator('A100');
  assert.ok(a100);
  assert.equal(knownMemory(a100, 60 * GIB), null);
  assert.equal(snapMemory(a100, 60 * GIB + 100), 60 * GIB);
  assert.equal(snapMemory(a100, 10), 1 * GIB);
  for (const none of [null, 0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    assert.equal(snapMemory(a100, none), 40 * GIB);
});

const anyAccelerator = fc.constantFrom(...allAccelerators());

test('case, separators, the vendor in front and the memory behind do not change what a name means', () => {
  fc.assert(
    fc.property(
      anyAccelerator.chain((accelerator) =>
        fc.record({
          accelerator: fc.constant(accelerator),
          alias: fc.constantFrom(
            accelerator.name,
            ...accelerator.aliases.filter((alias) => typeof alias === 'string' && !alias.startsWith('0x')),
          ),
          memory: fc.constantFrom(null, ...accelerator.memorySizesMiB),
        }),
      ),
      fc.constantFrom(' ', '-', '_', '  '),
      fc.boolean(),
      fc.func(fc.boolean()),
      ({ accelerator, alias, memory }, separator, withVendor, upper) => {
        const text = typeof alias === 'string' ? alias : alias.label;
        const parts = [text.replaceAll(' ', separator)];
        if (withVendor) parts.unshift(accelerator.vendor);
        if (memory !== null) parts.push(`${memory / GIB}GB`);
        const label = [...parts.join(separator)].map((c, i) => (upper(i) ? c.toUpperCase() : c.toLowerCase())).join('');
        const resolved = resolveAccelerator(label);
        assert.equal(resolved?.name, accelerator.name, label);
        assert.equal(resolved?.memoryMiB ?? null, memory, label);
      },
    ),
  );
});

test('one more letter or digit is another device or none', () => {
  const suffixes = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
  for (const accelerator of allAccelerators()) {
    const own = new Set(
      accelerator.aliases.map((alias) =>
        (typeof alias === 'string' ? alias : alias.label).toLowerCase().replaceAll(/[ -]/g, ''),
      ),
    );
    for (const suffix of suffixes) {
      const label = `${accelerator.name}${suffix}`.toLowerCase();
      if (!own.has(label)) assert.notEqual(resolveAccelerator(label)?.name, accelerator.name, label);
    }
  }
});

test('no label, whatever is in it, makes resolving throw', () => {
  fc.assert(fc.property(fc.string(), (label) => void resolveAccelerator(label)));
});
