/**
 * What is in the sizes with accelerators: memory of the machine, and how many devices or what share of one.
 *
 * Sources: the series pages below
 * https://learn.microsoft.com/azure/virtual-machines/sizes/overview#gpu-accelerated, and for the memory of
 * the machine the Resource SKUs API where the two differ (ND A100 v4: 1800 and 1900, GB200: 864 and 900).
 */

import type { CollectedAccelerator } from '@berth/catalog/collected-offer';
import type { SkuName } from './sku-name.ts';

interface GpuSeries {
  readonly label: string;
  /** Of one whole device. */
  readonly gib: number | null;
  readonly formFactor?: NonNullable<CollectedAccelerator['formFactor']>;
  readonly vendor?: NonNullable<CollectedAccelerator['vendor']>;
  /** By vCPUs and the feature that changes the memory (l, m): GiB of the machine, devices, GiB of a device if another. */
  readonly sizes: Readonly<Record<string, readonly [memoryGiB: number, devices: number, deviceGiB?: number]>>;
}

const SIXTH = 1 / 6;
const THIRD = 1 / 3;
const H100_NVL = { label: 'H100 NVL', gib: 94, sizes: { 40: [320, 1], 80: [640, 2] } } as const;
const SXM = { formFactor: 'SXM' } as const;

/** By family, accelerator where the name tells it, and version. */
const SERIES: Readonly<Record<string, GpuSeries>> = {
  NC_v1: { label: 'K80', gib: 12, sizes: { 6: [56, 1], 12: [112, 2], 24: [224, 4] } },
  NC_v2: { label: 'P100', gib: 16, formFactor: 'PCIe', sizes: { 6: [112, 1], 12: [224, 2], 24: [448, 4] } },
  NC_v3: { label: 'V100', gib: 16, formFactor: 'PCIe', sizes: { 6: [112, 1], 12: [224, 2], 24: [448, 4] } },
  NC_T4_v3: { label: 'T4', gib: 16, sizes: { 4: [28, 1], 8: [56, 1], 16: [110, 1], 64: [440, 4] } },
  NC_A100_v4: { label: 'A100', gib: 80, formFactor: 'PCIe', sizes: { 24: [220, 1], 48: [440, 2], 96: [880, 4] } },
  NC_A10_v4: { label: 'A10', gib: 24, sizes: { 8: [100, 1 / 2], 16: [200, 1], 32: [400, 2] } },
  NC_H100_v5: H100_NVL,
  NCC_H100_v5: H100_NVL,
  NC_RTXPRO6000BSE_v6: {
    label: 'RTX PRO 6000 Blackwell Server Edition',
    gib: 96,
    sizes: {
      '24l': [72, 1 / 4],
      '36': [132, 1 / 4],
      '36l': [72, 1 / 4],
      '72': [264, 1 / 2],
      '144': [516, 1],
      '144l': [264, 1],
      '288': [1032, 2],
      '288l': [516, 2],
    },
  },
  ND_v1: { label: 'P40', gib: 24, sizes: { 6: [112, 1], 12: [224, 2], 24: [448, 4] } },
  ND_v2: { label: 'V100', gib: 32, ...SXM, sizes: { 40: [672, 8] } },
  ND_v4: { label: 'A100', gib: 40, ...SXM, sizes: { 96: [900, 8] } },
  ND_A100_v4: { label: 'A100', gib: 40, ...SXM, sizes: { '96': [900, 8], '96m': [1800, 8, 80] } },
  ND_H100_v5: { label: 'H100', gib: 80, ...SXM, sizes: { 96: [1900, 8] } },
  ND_H200_v5: { label: 'H200', gib: 141, ...SXM, sizes: { 96: [1850, 8] } },
  ND_MI300X_v5: { label: 'MI300X', gib: 192, formFactor: 'OAM', vendor: 'amd', sizes: { 96: [1850, 8] } },
  ND_GB200_v6: { label: 'GB200', gib: 192, ...SXM, sizes: { 128: [864, 4] } },
  ND_GB300_v6: { label: 'GB300', gib: 288, ...SXM, sizes: { 128: [864, 4] } },
  NG_V620_v1: {
    label: 'Radeon Pro V620',
    gib: 32,
    vendor: 'amd',
    sizes: { '8': [16, 1 / 4], '16': [32, 1 / 2], '32': [64, 1], '32m': [176, 1] },
  },
  NP_v1: { label: 'Alveo U250', gib: null, sizes: { 10: [168, 1], 20: [336, 2], 40: [672, 4] } },
  NV_v1: { label: 'M60', gib: 8, sizes: { 6: [56, 1], 12: [112, 2], 24: [224, 4] } },
  NV_v2: { label: 'M60', gib: 8, sizes: { 6: [112, 1], 12: [224, 2], 24: [448, 4] } },
  NV_v3: { label: 'M60', gib: 8, sizes: { 12: [112, 1], 24: [224, 2], 48: [448, 4] } },
  NV_v4: {
    label: 'Radeon Instinct MI25',
    gib: 16,
    vendor: 'amd',
    sizes: { 4: [14, 1 / 8], 8: [28, 1 / 4], 16: [56, 1 / 2], 32: [112, 1] },
  },
  NV_A10_v5: {
    label: 'A10',
    gib: 24,
    sizes: {
      '6': [55, SIXTH],
      '12': [110, THIRD],
      '18': [220, 1 / 2],
      '36': [440, 1],
      '36m': [880, 1],
      '72': [880, 2],
    },
  },
  NV_V710_v5: {
    label: 'Radeon Pro V710',
    gib: 24,
    vendor: 'amd',
    sizes: { '4': [16, SIXTH], '8': [32, THIRD], '12': [64, 1 / 2], '24': [128, 1], '28m': [160, 1] },
  },
};

export interface GpuSize {
  readonly memoryGiB: number;
  readonly accelerator: CollectedAccelerator;
}

/** Every size of these families is sold for what is in it besides CPUs. */
export function isAccelerated(name: SkuName): boolean {
  return name.family.startsWith('N');
}

/** Null: not known. */
export function gpuSize(name: SkuName): GpuSize | null {
  const key = `${name.number}${name.features.replace(/[^lm]/g, '')}`;
  // `NDR`, `xl` and `flex` stand beside the accelerator and name none.
  const tokens = [...name.parts.map((part) => `_${part.toUpperCase()}`), ...(name.parts.length === 0 ? [''] : [])];
  for (const token of tokens) {
    const series = SERIES[`${name.family}${token}_v${name.version}`];
    const size = series?.sizes[key];
    if (series === undefined || size === undefined) continue;
    const [memoryGiB, count, gib = series.gib] = size;
    const { label, formFactor = null, vendor = null } = series;
    const memoryMiB = gib === null ? null : gib * 1024;
    return { memoryGiB, accelerator: { label, count, memoryMiB, formFactor, vendor } };
  }
  return null;
}
