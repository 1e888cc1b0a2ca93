/** Accelerators as SkyPilot's catalog tells them: its names, and `GpuInfo`, a Python literal. */

import { knownMemory } from '@berth/core/accelerator';
import { resolveAccelerator } from '@berth/core/accelerators';
import { ACCELERATOR_VENDORS, type AcceleratorVendor } from '@berth/core/offer';
import type { CatalogAccelerator } from '../catalog-offer.ts';
import type { CollectedAccelerator } from '../collected-offer.ts';
import { HIGHEST } from './cell-values.ts';
import { type Literal, readPythonLiteral } from './python-literal.ts';
import { pythonFloat } from './python-text.ts';

export interface GpuInfo {
  /** As the cell says, of one device or of all: clouds differ. */
  readonly memoryMiB: readonly number[];
  readonly vendor: AcceleratorVendor | null;
}

/** SkyPilot gives the smaller or older size the bare name, and `A100-80GB` to the other. */
const BARE_NAME_GIB: ReadonlyMap<string, number> = new Map([
  ['A100', 40],
  ['V100', 16],
  ['P100', 16],
  ['H100', 80],
  ['GH200', 96],
]);

/** Null: the cell is empty, or holds something else (a TPU's name). */
export function parseGpuInfo(text: string): GpuInfo | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const info = readPythonLiteral(trimmed);
  if (!(info instanceof Map)) return null;
  const gpus: Literal = info.get('Gpus') ?? null;
  const gpu = Array.isArray(gpus) ? gpus[0] : null;
  const memory = gpu instanceof Map ? gpu.get('MemoryInfo') : null;
  const sizes = [memory instanceof Map ? memory.get('SizeInMiB') : null, info.get('TotalGpuMemoryInMiB')];
  const maker = gpu instanceof Map ? gpu.get('Manufacturer') : null;
  const folded = typeof maker === 'string' ? maker.toLowerCase() : '';
  return {
    memoryMiB: sizes
      .filter((size) => typeof size === 'number' && size > 0 && size <= HIGHEST.memoryGib * 1024)
      .map(Number),
    vendor: ACCELERATOR_VENDORS.find((vendor) => vendor === folded) ?? null,
  };
}

export function skypilotAccelerator(name: string, count: number, info: GpuInfo | null): CollectedAccelerator {
  const vendor = info?.vendor ?? null;
  const registered = resolveAccelerator(name);
  // The chips of a TPU have one size each.
  if (registered?.count != null) return { label: name, count };
  if (info === null) {
    const gib = BARE_NAME_GIB.get(name);
    return { label: name, count, memoryMiB: gib === undefined ? null : gib * 1024, vendor };
  }
  const [said, total] = info.memoryMiB;
  if (said === undefined || registered === null) return { label: name, count, memoryMiB: said ?? null, vendor };
  if (total === said * count) return { label: name, count, memoryMiB: said, vendor };
  // One device's memory, or what all have, under either key: the one that the device is made with.
  const candidates = [said, said / count, total, total === undefined ? undefined : total / count];
  const fitting = candidates.find((size) => size !== undefined && knownMemory(registered, size) !== null);
  return { label: name, count, memoryMiB: fitting ?? said, vendor };
}

const CORES_IN_NAME: ReadonlySet<string> = new Set(['v2', 'v3', 'v4', 'v5p']);
const CHIPS_IN_NAME: ReadonlySet<string> = new Set(['v5litepod', 'v6e']);

export interface SkypilotCells {
  readonly name: string;
  readonly count: number;
  readonly gpuInfo: string;
}

export function accelerateCells(accelerator: CatalogAccelerator): SkypilotCells {
  const { name, count, memoryMiB, vendor } = accelerator;
  if (CORES_IN_NAME.has(name) || CHIPS_IN_NAME.has(name)) {
    const slice = `tpu-${name}-${CORES_IN_NAME.has(name) ? 2 * count : count}`;
    return { name: slice, count: 1, gpuInfo: slice };
  }
  const bare = BARE_NAME_GIB.get(name);
  const special = bare !== undefined && memoryMiB !== null && memoryMiB !== bare * 1024;
  const shown = special && Number.isInteger(memoryMiB / 1024) ? `${name}-${memoryMiB / 1024}GB` : name;
  // A size that the device is not made with would make the name unreadable.
  const label = resolveAccelerator(shown)?.name === name ? shown : name;
  const maker = vendor === null ? '' : `'Manufacturer': '${vendor.toUpperCase()}', `;
  const memory = memoryMiB === null ? '' : `, 'MemoryInfo': {'SizeInMiB': ${memoryMiB}}`;
  const total = memoryMiB === null ? '' : `, 'TotalGpuMemoryInMiB': ${memoryMiB * count}`;
  const device = `{'Name': ${pythonString(label)}, ${maker}'Count': ${pythonFloat(count)}${memory}}`;
  return { name: label, count, gpuInfo: `{'Gpus': [${device}]${total}}` };
}

/** `repr` of a string without control characters. */
function pythonString(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\');
  return escaped.includes("'") && !escaped.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`;
}
