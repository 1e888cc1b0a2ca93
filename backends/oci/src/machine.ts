/** A machine that a shape stands for, with its price; or why it stands for none. */

import type { CollectedAccelerator } from '@berth/catalog/collected-offer';
import { DOCUMENTED_SHAPES, type Processor, processorOf } from './documented-shapes.ts';
import type { Shape, ShapePart } from './estimator.ts';
import { gpuLabel, gpuMemoryMiB } from './gpu.ts';
import type { PartPrice } from './part-prices.ts';

export interface Machine {
  readonly shape: string;
  readonly instanceType: string;
  readonly ocpus: number;
  readonly memoryGiB: number;
  readonly processor: Processor;
  readonly accelerator: CollectedAccelerator | null;
  /** NVMe that comes with it. */
  readonly diskTb: number | null;
  /** US dollars per hour, not preemptible. */
  readonly pricePerHour: number;
  readonly preemptible: boolean;
  readonly flexible: boolean;
}

export type PartPrices = ReadonlyMap<string, PartPrice>;

/** Why a shape is left out. */
export class Unpriced {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** The name in the API: without the remark that the estimator shows. */
export function shapeName(shape: Shape): string {
  return shape.name.replace(/\s*\([^)]*\)\s*$/, '');
}

export function partOf(shape: Shape, type: string): ShapePart | undefined {
  return shape.products.find((part) => part.type.value === type);
}

/** A shape with GPUs is billed by the GPU, which pays for everything else in it. */
export function gpuMachine(shape: Shape, prices: PartPrices): Machine | Unpriced {
  const name = shapeName(shape);
  const label = gpuLabel(name);
  const count = shape.gpuQty ?? 0;
  if (label === null || !(count > 0)) return new Unpriced('the list names no device or no number of devices');
  const part = partOf(shape, 'ocpu');
  const price = part === undefined ? undefined : prices.get(part.partNumber);
  if (price === undefined) return new Unpriced(`part ${part?.partNumber ?? 'ocpu'} has no hourly price in US dollars`);
  const size = sizeOf(name, part?.qty ?? null, shape.bundleMemoryQty ?? null);
  if (size === null) return new Unpriced('neither the list nor the documentation tells its CPUs and memory');
  const units = /\bOCPU\b/i.test(price.metric ?? '') ? size.ocpus : count;
  return {
    shape: name,
    instanceType: name,
    ...size,
    processor: processorOf(name, shape.processorType?.value ?? null),
    accelerator: { label, count, memoryMiB: gpuMemoryMiB(label, count, shape.gpuMemoryQty ?? null) },
    diskTb: null,
    pricePerHour: price.perHour * units,
    preemptible: shape.allowPreemptible === true,
    flexible: false,
  };
}

function sizeOf(
  name: string,
  ocpus: number | null,
  memoryGiB: number | null,
): { readonly ocpus: number; readonly memoryGiB: number } | null {
  const documented = DOCUMENTED_SHAPES[name];
  if (documented !== undefined) return documented;
  return ocpus !== null && ocpus > 0 && memoryGiB !== null && memoryGiB > 0 ? { ocpus, memoryGiB } : null;
}

/** A fixed shape is billed by what is in it: cores, on newer shapes memory, on dense ones also disks. */
export function fixedMachine(shape: Shape, prices: PartPrices): Machine | Unpriced {
  const name = shapeName(shape);
  const ocpus = partOf(shape, 'ocpu')?.qty ?? 0;
  const memoryGiB = partOf(shape, 'memory')?.qty || shape.bundleMemoryQty || 0;
  if (!(ocpus > 0) || !(memoryGiB > 0)) return new Unpriced('the list does not tell its CPUs or its memory');
  let pricePerHour = 0;
  for (const part of shape.products) {
    const price = prices.get(part.partNumber);
    if (price === undefined) return new Unpriced(`part ${part.partNumber} has no hourly price in US dollars`);
    if (part.qty == null) return new Unpriced(`the list does not tell how much of part ${part.partNumber} it has`);
    pricePerHour += part.qty * price.perHour;
  }
  return {
    shape: name,
    instanceType: name,
    ocpus,
    memoryGiB,
    processor: processorOf(name, shape.processorType?.value ?? null),
    accelerator: null,
    diskTb: partOf(shape, 'disk')?.qty ?? null,
    pricePerHour,
    preemptible: shape.allowPreemptible === true,
    flexible: false,
  };
}
