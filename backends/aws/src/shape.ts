/** What the price list says of an instance type, in our units. */

import type { CollectedAccelerator } from '@berth/catalog/collected-offer';
import type { CpuArch } from '@berth/core/offer';
import { acceleratorOf } from './accelerator-facts.ts';
import { hasEfa } from './efa.ts';
import type { PriceRow } from './price-list.ts';

/** The same in every region. */
export interface InstanceShape {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly cpuArch: CpuArch;
  readonly accelerator: CollectedAccelerator | null;
  readonly diskMiB: number | null;
  readonly networkGbps: number | null;
  readonly interconnect: string | null;
}

export type ReadShape = { readonly shape: InstanceShape } | { readonly problem: string };

export function shapeOf(row: PriceRow): ReadShape {
  const cpus = positive(row.vcpu);
  if (cpus === null) return { problem: `its number of vCPUs is "${row.vcpu}"` };
  const memoryMiB = memoryOf(row.memory);
  if (memoryMiB === null) return { problem: `its memory is "${row.memory}"` };
  const found = acceleratorOf(row.instanceType, positive(row.gpu), row.instanceFamily);
  if ('problem' in found) return found;
  const shape = {
    cpus,
    memoryMiB,
    cpuArch: cpuArchOf(row.processor),
    accelerator: found.accelerator,
    diskMiB: diskOf(row.storage),
    networkGbps: networkOf(row.network),
    interconnect: hasEfa(row.instanceType) || /\bEFA/.test(row.network) ? 'EFA' : null,
  };
  return { shape };
}

function positive(text: string): number | null {
  const value = Number(text.replaceAll(',', '').trim() || Number.NaN);
  return Number.isFinite(value) && value > 0 ? value : null;
}

/** `1,952 GiB`. */
function memoryOf(text: string): number | null {
  const gib = /^([\d.,]+)\s*GiB$/i.exec(text.trim())?.[1];
  const value = gib === undefined ? null : positive(gib);
  return value === null ? null : Math.round(value * 1024);
}

/** The list's "Processor Architecture" says `64-bit` of both. */
function cpuArchOf(processor: string): CpuArch {
  return /Graviton|Grace|Apple/i.test(processor) ? 'arm' : 'x86';
}

const DISK = /^(?:(\d+)\s*x\s*)?([\d.,]+)\s*(GB|TB)?\b.*(?:SSD|HDD)/i;

/** `4 x 900 NVMe SSD`, `125 GB NVMe SSD`: gigabytes of a thousand million bytes. Null for `EBS only`. */
function diskOf(text: string): number | null {
  const match = DISK.exec(text.trim());
  if (match === null) return null;
  const [, disks = '1', size = '', unit = 'GB'] = match;
  const each = positive(size);
  if (each === null) return null;
  const bytes = Number(disks) * each * (unit.toUpperCase() === 'TB' ? 1e12 : 1e9);
  return Math.floor(bytes / 1024 ** 2);
}

const NETWORK = /^(?:(\d+)\s*x\s*)?([\d.,]+)\s*(Gigabit|Gbps|Megabit|Mbps)/i;

/** `25 Gigabit`, `8x 100 Gigabit`. Null for words (`High`) and for `Up to …`, which lasts minutes. */
function networkOf(text: string): number | null {
  const match = NETWORK.exec(text.trim());
  if (match === null) return null;
  const [, cards = '1', speed = '', unit = ''] = match;
  const each = positive(speed);
  if (each === null) return null;
  return (Number(cards) * each) / (unit.toLowerCase().startsWith('m') ? 1000 : 1);
}
