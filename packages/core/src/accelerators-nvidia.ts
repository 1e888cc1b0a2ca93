import type { Accelerator, AcceleratorAlias, FormFactor } from './accelerator.ts';
import type { CpuArch } from './offer.ts';

/**
 * Compute capabilities are those of NVIDIA's table (developer.nvidia.com/cuda-gpus). Memory is what
 * one device has for programs: B200 is sold as 192 GB and B300 as 288 GB, but their drivers report
 * 179 and 269 GiB, so 180 and 270 stand here and the sold sizes snap to them.
 */
type Generation = readonly [architecture: string, computeCapability: readonly [number, number]];

interface Details {
  readonly aliases?: readonly AcceleratorAlias[];
  readonly formFactors?: readonly FormFactor[];
  readonly hostArch?: CpuArch;
}

function nvidia(
  [architecture, computeCapability]: Generation,
  name: string,
  gib: readonly number[],
  details: Details = {},
): Accelerator {
  return {
    name,
    vendor: 'nvidia',
    architecture,
    computeCapability,
    memorySizesMiB: gib.map((size) => size * 1024),
    formFactors: details.formFactors ?? [],
    hostArch: details.hostArch ?? null,
    aliases: details.aliases ?? [],
  };
}

const PCIE = ['PCIe'] as const;
const SXM = ['SXM'] as const;
const BOTH = ['SXM', 'PCIe'] as const;

function dataCenter(
  generation: Generation,
  name: string,
  gib: readonly number[],
  formFactors: readonly FormFactor[],
  aliases: readonly AcceleratorAlias[] = [],
): Accelerator {
  return nvidia(generation, name, gib, { formFactors, aliases });
}

/** `RTX4070TiSUPER` is also `RTX 4070S Ti` (Vast.ai), `4070 Ti SUPER`, …. */
function geforce(generation: Generation, name: string, gib: readonly number[]): Accelerator {
  const model = name.replace(/^(?:RTX|GTX)/, '');
  const aliases = [model];
  if (model.endsWith('TiSUPER')) aliases.push(name.replace('TiSUPER', 'S Ti'), name.replace('TiSUPER', 'SUPER Ti'));
  else if (model.endsWith('SUPER')) aliases.push(name.replace('SUPER', 'S'));
  return nvidia(generation, name, gib, { formFactors: PCIE, aliases });
}

/** The RTX A series is written with and without RTX; the driver says `NVIDIA RTX A4000`. */
function rtxA(generation: Generation, name: string, gib: readonly number[], more: readonly string[] = []): Accelerator {
  return nvidia(generation, name, gib, { formFactors: PCIE, aliases: [`RTX ${name}`, ...more] });
}

/** Workstation cards of the Turing generation: `Quadro RTX 4000`, at Vast.ai `Q RTX 4000`. */
function quadroRtx(generation: Generation, name: string, gib: readonly number[]): Accelerator {
  return nvidia(generation, name, gib, { formFactors: PCIE, aliases: [`Q ${name}`, `Quadro${name}`] });
}

/** `RTX PRO 4000 Blackwell`; people also write `RTX 6000 PRO`. */
function rtxPro(
  generation: Generation,
  name: string,
  gib: readonly number[],
  more: readonly string[] = [],
): Accelerator {
  const number = name.replace('RTXPRO', '');
  const aliases = [`RTX ${number} PRO`, `PRO ${number}`, ...more];
  return nvidia(generation, name, gib, { formFactors: PCIE, aliases });
}

const KEPLER_GRID: Generation = ['Kepler', [3, 0]];
const KEPLER_40: Generation = ['Kepler', [3, 5]];
const KEPLER: Generation = ['Kepler', [3, 7]];
const MAXWELL: Generation = ['Maxwell', [5, 2]];
const PASCAL_100: Generation = ['Pascal', [6, 0]];
const PASCAL: Generation = ['Pascal', [6, 1]];
const VOLTA: Generation = ['Volta', [7, 0]];
const TURING: Generation = ['Turing', [7, 5]];
const AMPERE_100: Generation = ['Ampere', [8, 0]];
const AMPERE: Generation = ['Ampere', [8, 6]];
const ADA: Generation = ['Ada', [8, 9]];
const HOPPER: Generation = ['Hopper', [9, 0]];
const BLACKWELL_200: Generation = ['Blackwell', [10, 0]];
const BLACKWELL_300: Generation = ['Blackwell', [10, 3]];
const BLACKWELL: Generation = ['Blackwell', [12, 0]];
const BLACKWELL_SPARK: Generation = ['Blackwell', [12, 1]];

export const NVIDIA: readonly Accelerator[] = [
  dataCenter(KEPLER_GRID, 'K520', [4], PCIE),
  dataCenter(KEPLER_40, 'K40', [12], PCIE),
  dataCenter(KEPLER, 'K80', [12], PCIE),

  dataCenter(MAXWELL, 'M40', [12, 24], PCIE),
  dataCenter(MAXWELL, 'M60', [8], PCIE),
  dataCenter(MAXWELL, 'M4000', [8], PCIE),
  dataCenter(MAXWELL, 'M5000', [8], PCIE),
  dataCenter(MAXWELL, 'M6000', [12, 24], PCIE),
  geforce(MAXWELL, 'GTX970', [4]),
  geforce(MAXWELL, 'GTX980', [4]),
  geforce(MAXWELL, 'GTX980Ti', [6]),

  dataCenter(PASCAL_100, 'P100', [12, 16], BOTH),
  dataCenter(PASCAL_100, 'GP100', [16], PCIE),
  dataCenter(PASCAL, 'P4', [8], PCIE),
  dataCenter(PASCAL, 'P40', [24], PCIE),
  dataCenter(PASCAL, 'P2000', [5], PCIE),
  dataCenter(PASCAL, 'P4000', [8], PCIE),
  dataCenter(PASCAL, 'P5000', [16], PCIE),
  dataCenter(PASCAL, 'P6000', [24], PCIE),
  geforce(PASCAL, 'GTX1050Ti', [4]),
  geforce(PASCAL, 'GTX1060', [3, 6]),
  geforce(PASCAL, 'GTX1070', [8]),
  geforce(PASCAL, 'GTX1070Ti', [8]),
  geforce(PASCAL, 'GTX1080', [8]),
  geforce(PASCAL, 'GTX1080Ti', [11]),
  nvidia(PASCAL, 'TITANXp', [12], { formFactors: PCIE }),

  dataCenter(VOLTA, 'V100', [16, 32], BOTH),
  dataCenter(VOLTA, 'V100S', [32], PCIE),
  dataCenter(VOLTA, 'GV100', [32], PCIE),
  nvidia(VOLTA, 'TITANV', [12], { formFactors: PCIE }),

  dataCenter(TURING, 'T4', [16], PCIE),
  nvidia(TURING, 'T4G', [16], { formFactors: PCIE, hostArch: 'arm' }),
  quadroRtx(TURING, 'RTX4000', [8]),
  quadroRtx(TURING, 'RTX5000', [16]),
  quadroRtx(TURING, 'RTX6000', [24]),
  quadroRtx(TURING, 'RTX8000', [48]),
  nvidia(TURING, 'TITANRTX', [24], { formFactors: PCIE }),
  geforce(TURING, 'GTX1650', [4]),
  geforce(TURING, 'GTX1650SUPER', [4]),
  geforce(TURING, 'GTX1660', [6]),
  geforce(TURING, 'GTX1660SUPER', [6]),
  geforce(TURING, 'GTX1660Ti', [6]),
  geforce(TURING, 'RTX2060', [6, 12]),
  geforce(TURING, 'RTX2060SUPER', [8]),
  geforce(TURING, 'RTX2070', [8]),
  geforce(TURING, 'RTX2070SUPER', [8]),
  geforce(TURING, 'RTX2080', [8]),
  geforce(TURING, 'RTX2080SUPER', [8]),
  geforce(TURING, 'RTX2080Ti', [11]),

  // `mega` is Google's word for the H100 SXM with more network; `AC` belongs to the name of the B300's board.
  dataCenter(AMPERE_100, 'A100', [40, 80], BOTH),
  dataCenter(AMPERE_100, 'A100X', [80], PCIE),
  dataCenter(AMPERE_100, 'A800', [40, 80], BOTH, ['A800 Active']),
  dataCenter(AMPERE_100, 'A30', [24], PCIE, ['RTX A30']),
  dataCenter(AMPERE, 'A2', [16], PCIE),
  dataCenter(AMPERE, 'A10', [24], PCIE),
  dataCenter(AMPERE, 'A10G', [24], PCIE),
  dataCenter(AMPERE, 'A16', [16], PCIE),
  dataCenter(AMPERE, 'A40', [48], PCIE),
  rtxA(AMPERE, 'A2000', [6, 12]),
  rtxA(AMPERE, 'A4000', [16]),
  rtxA(AMPERE, 'A4500', [20]),
  rtxA(AMPERE, 'A5000', [24]),
  rtxA(AMPERE, 'A5500', [24]),
  rtxA(AMPERE, 'A6000', [48]),
  geforce(AMPERE, 'RTX3050', [6, 8]),
  geforce(AMPERE, 'RTX3060', [8, 12]),
  geforce(AMPERE, 'RTX3060Ti', [8]),
  geforce(AMPERE, 'RTX3070', [8]),
  geforce(AMPERE, 'RTX3070Ti', [8]),
  geforce(AMPERE, 'RTX3080', [10, 12]),
  geforce(AMPERE, 'RTX3080Ti', [12]),
  geforce(AMPERE, 'RTX3090', [24]),
  geforce(AMPERE, 'RTX3090Ti', [24]),

  dataCenter(ADA, 'L2', [24], PCIE),
  dataCenter(ADA, 'L4', [24], PCIE),
  dataCenter(ADA, 'L20', [48], PCIE),
  dataCenter(ADA, 'L40', [48], PCIE),
  dataCenter(ADA, 'L40S', [48], PCIE),
  nvidia(ADA, 'RTX2000Ada', [16], { formFactors: PCIE }),
  nvidia(ADA, 'RTX4000Ada', [20], { formFactors: PCIE, aliases: ['RTX 4000 SFF Ada', 'RTX 4000 Ada SFF'] }),
  nvidia(ADA, 'RTX4500Ada', [24], { formFactors: PCIE }),
  nvidia(ADA, 'RTX5000Ada', [32], { formFactors: PCIE }),
  nvidia(ADA, 'RTX5880Ada', [48], { formFactors: PCIE }),
  nvidia(ADA, 'RTX6000Ada', [48], { formFactors: PCIE }),
  geforce(ADA, 'RTX4060', [8]),
  geforce(ADA, 'RTX4060Ti', [8, 16]),
  geforce(ADA, 'RTX4070', [12]),
  geforce(ADA, 'RTX4070SUPER', [12]),
  geforce(ADA, 'RTX4070Ti', [12]),
  geforce(ADA, 'RTX4070TiSUPER', [16]),
  geforce(ADA, 'RTX4080', [16]),
  geforce(ADA, 'RTX4080SUPER', [16]),
  geforce(ADA, 'RTX4090', [24]),
  geforce(ADA, 'RTX4090D', [24]),

  dataCenter(HOPPER, 'H20', [96, 141], SXM, [{ label: 'H20-3e', memoryGiB: 141 }]),
  dataCenter(HOPPER, 'H100', [64, 80, 96], BOTH, [{ label: 'H100-mega-80gb', memoryGiB: 80 }, 'H100-MEGA']),
  // 94 GB is the NVL's alone; read as a memory it would snap to the 96 GB of another H100.
  dataCenter(
    HOPPER,
    'H100NVL',
    [94],
    ['NVL'],
    ['H100 NVL', { label: 'H100 94GB', memoryGiB: 94 }, { label: 'H100 PCIe 94GB', memoryGiB: 94 }],
  ),
  dataCenter(HOPPER, 'H200', [141], SXM),
  dataCenter(HOPPER, 'H200NVL', [141], ['NVL'], ['H200 NVL']),
  dataCenter(HOPPER, 'H800', [80], BOTH),
  nvidia(HOPPER, 'GH200', [96, 144], {
    formFactors: SXM,
    hostArch: 'arm',
    // The driver's name tells the memory of the CPU, not of the GPU.
    aliases: [{ label: 'GH200 480GB', memoryGiB: 96 }, { label: 'GH200 120GB', memoryGiB: 96 }, 'Grace Hopper GH200'],
  }),

  dataCenter(BLACKWELL_200, 'B200', [180], SXM),
  nvidia(BLACKWELL_200, 'GB200', [186], { formFactors: SXM, hostArch: 'arm', aliases: ['GB200 NVL72', 'GB200 NVL4'] }),
  dataCenter(BLACKWELL_300, 'B300', [270], SXM, ['B300 SXM6 AC']),
  nvidia(BLACKWELL_300, 'GB300', [251, 278], { formFactors: SXM, hostArch: 'arm', aliases: ['GB300 NVL72'] }),
  nvidia(BLACKWELL_SPARK, 'GB10', [128], { hostArch: 'arm', aliases: ['DGX Spark'] }),

  geforce(BLACKWELL, 'RTX5050', [8]),
  geforce(BLACKWELL, 'RTX5060', [8]),
  geforce(BLACKWELL, 'RTX5060Ti', [8, 16]),
  geforce(BLACKWELL, 'RTX5070', [12]),
  geforce(BLACKWELL, 'RTX5070Ti', [16]),
  geforce(BLACKWELL, 'RTX5080', [16]),
  geforce(BLACKWELL, 'RTX5090', [32]),
  geforce(BLACKWELL, 'RTX5090D', [32]),
  rtxPro(BLACKWELL, 'RTXPRO2000', [16]),
  rtxPro(BLACKWELL, 'RTXPRO4000', [24], ['RTX PRO 4000 SFF']),
  rtxPro(BLACKWELL, 'RTXPRO4500', [32], ['RTX PRO 4500 Server', 'RTX PRO Server 4500']),
  rtxPro(BLACKWELL, 'RTXPRO5000', [48, 72]),
  // Server, workstation and Max-Q editions differ in power and cooling alone.
  rtxPro(
    BLACKWELL,
    'RTXPRO6000',
    [96],
    [
      'RTX PRO 6000 Server',
      'RTX PRO Server 6000',
      'RTX PRO 6000 Workstation',
      'RTX PRO 6000 Max-Q',
      'RTX PRO 6000 Max-Q Workstation',
      'RTX PRO 6000 S',
      'RTX PRO 6000 SE',
      'RTX PRO 6000 WS',
      'RTX PRO 6000 WK',
    ],
  ),
];
