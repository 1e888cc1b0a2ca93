/**
 * vCPUs and memory of sizes without GPUs. The price list tells neither; the names tell the vCPUs, and the
 * memory follows from them by family, with exceptions at the large end.
 *
 * Sources: the size series pages below https://learn.microsoft.com/azure/virtual-machines/sizes/overview
 * and the sizes that Azure's Resource SKUs API lists. A size that the rule was not checked for has none.
 */

import type { SkuName } from './sku-name.ts';

export interface CpuSize {
  /** Before some of them are given up. */
  readonly cpus: number;
  readonly memoryGiB: number;
}

type Table = Readonly<Record<string, number>>;

/** Null: not known. */
export function cpuSize(name: SkuName): CpuSize | null {
  const { family, number } = name;
  const ordinal = ORDINALS[family]?.[number];
  if (ordinal !== undefined && name.version <= 2) return { cpus: ordinal[0], memoryGiB: ordinal[1] };
  const memoryGiB = MEMORY[family]?.(name) ?? null;
  return memoryGiB === null ? null : { cpus: number, memoryGiB };
}

/** The first families number their sizes one after the other: vCPUs and memory of each. */
const D_V1_V2: Readonly<Record<number, readonly [number, number]>> = {
  1: [1, 3.5],
  2: [2, 7],
  3: [4, 14],
  4: [8, 28],
  5: [16, 56],
  11: [2, 14],
  12: [4, 28],
  13: [8, 56],
  14: [16, 112],
  15: [20, 140],
};
const G: typeof D_V1_V2 = { 1: [2, 28], 2: [4, 56], 3: [8, 112], 4: [16, 224], 5: [32, 448] };
const ORDINALS: Readonly<Record<string, typeof D_V1_V2>> = { D: D_V1_V2, DS: D_V1_V2, G, GS: G };

const MEMORY: Readonly<Record<string, (name: SkuName) => number | null>> = {
  A: ({ number, features, version }) => (version === 2 ? number * (features.includes('m') ? 8 : 2) : null),
  B: burstable,
  D: ({ number, features, version }) => (version >= 3 ? number * (features.includes('l') ? 2 : 4) : null),
  DC: ({ number, version }) => (version === 1 ? null : number * (version === 3 ? 8 : 4)),
  E: memoryOptimized,
  EC: confidentialMemoryOptimized,
  F: computeOptimized,
  FX: ({ number }) => (number === 96 ? 1832 : number * 21),
  HB: ({ version }) => HB[version] ?? null,
  HC: () => 352,
  HX: () => 1408,
  L: ({ number }) => number * 8,
  M: largeMemory,
};

const B_V1: Table = {
  '1ls': 0.5,
  '1s': 1,
  '1ms': 2,
  '2s': 4,
  '2ms': 8,
  '4ms': 16,
  '8ms': 32,
  '12ms': 48,
  '16ms': 64,
  '20ms': 80,
};

function burstable({ number, features, version }: SkuName): number | null {
  if (version === 1) return B_V1[`${number}${features}`] ?? null;
  if (features.includes('t')) return number / 2;
  return number * (features.includes('l') ? 2 : 4);
}

function computeOptimized({ number, features, version }: SkuName): number {
  // Up to v2 all are lean; since v6 that is a feature.
  if (version <= 2 || features.includes('l')) return number * 2;
  return number * (features.includes('m') ? 8 : 4);
}

/** 8 GiB for each vCPU up to 64 of them; above, hosts run out of memory before they run out of cores. */
function memoryOptimized({ number, features, version }: SkuName): number | null {
  const amd = features.includes('a');
  const arm = features.includes('p');
  if (version === 3) return number === 64 ? 432 : atMost(64, number);
  if (version === 4) {
    if (number === 64) return amd ? 512 : 504;
    return number === 80 ? 504 : number === 96 ? 672 : atMost(64, number);
  }
  if (version === 5) {
    if (arm && number === 32) return 208;
    return [96, 104, 112].includes(number) ? 672 : atMost(64, number);
  }
  if (version === 6) {
    if (number === 96) return amd || arm ? 672 : 768;
    return number === 192 && !features.includes('b') ? 1832 : atMost(128, number);
  }
  return version === 7 ? atMost(amd ? 160 : 64, number) : null;
}

function confidentialMemoryOptimized({ number, features, version }: SkuName): number | null {
  const amd = features.includes('a');
  if (version === 5) {
    if (amd && number === 32) return 192;
    return number === 96 ? 672 : number === 128 ? 768 : atMost(64, number);
  }
  return version === 6 ? (number === 96 && amd ? 672 : atMost(64, number)) : null;
}

function atMost(most: number, cpus: number): number | null {
  return cpus <= most ? cpus * 8 : null;
}

const HB: Readonly<Record<number, number>> = { 2: 456, 3: 456, 4: 768, 5: 448 };

/** By vCPUs, the feature that changes the memory (l, m, t), and the number behind: that of its terabytes. */
const M_V1_V2: Table = {
  '8m': 218.75,
  '16m': 437.5,
  '32m': 875,
  '32l': 256,
  '32t': 192,
  '64': 1024,
  '64l': 512,
  '64m': 1792,
  '128': 2048,
  '128m': 3892,
  '192': 2048,
  '192m': 4096,
  '208': 2850,
  '208m': 5700,
  '416': 5700,
  '416m': 11_400,
  '416_8': 7600,
  '416_9': 8568,
  '416_10': 9496,
};
const M_V3: Table = {
  '12': 240,
  '24': 480,
  '48_1': 974,
  '96_1': 974,
  '96_2': 1946,
  '176_3': 2794,
  '176_4': 3892,
  '416_6': 5696,
  '416_8': 7600,
  '624_12': 11_400,
  '832_12': 11_400,
  '832_16': 15_200,
  '16b': 128,
  '32b': 256,
  '48b': 384,
  '64b': 512,
  '64b_1': 1397,
  '96b': 768,
  '96b_2': 1946,
  '128b': 1024,
  '128b_3': 2794,
  '176b': 1536,
  '176b_4': 3892,
  '416b': 3800,
};

function largeMemory({ number, features, parts, version }: SkuName): number | null {
  const feature = features.replace(/[^blmt]/g, '');
  const key = [`${number}${feature}`, ...parts].join('_');
  return (version === 3 ? M_V3[key] : M_V1_V2[key]) ?? null;
}
