/** Sizes of a flexible shape: any could be had, so a ladder of them is listed. */

import { processorOf } from './documented-shapes.ts';
import type { Shape } from './estimator.ts';
import { type Machine, type PartPrices, partOf, shapeName, Unpriced } from './machine.ts';

/** GiB per vCPU, as other clouds cut their high-CPU, standard and high-memory types. */
const MEMORY_PER_VCPU_GIB = [2, 4, 8] as const;

/**
 * An OCPU takes at most this much memory, and at least 1 GiB.
 * Source: https://docs.oracle.com/en-us/iaas/Content/Compute/References/computeshapes.htm#flexible
 */
const MAX_GIB_PER_OCPU = 64;

/** CPUs double from the shape's least to its most; `name-4ocpu-32gb`. */
export function flexibleMachines(shape: Shape, prices: PartPrices): readonly Machine[] | Unpriced {
  const name = shapeName(shape);
  const ocpu = partOf(shape, 'ocpu');
  const memory = partOf(shape, 'memory');
  if (ocpu === undefined || memory === undefined) return new Unpriced('the list does not tell its CPUs or its memory');
  const ocpuPrice = prices.get(ocpu.partNumber);
  const memoryPrice = prices.get(memory.partNumber);
  if (ocpuPrice === undefined || memoryPrice === undefined) {
    return new Unpriced(`part ${(ocpuPrice ? memory : ocpu).partNumber} has no hourly price in US dollars`);
  }
  if (shape.products.length > 2) return new Unpriced('it is billed by a part besides CPUs and memory');
  if (!(ocpu.max && ocpu.max > 0 && memory.max && memory.max > 0)) {
    return new Unpriced('the list does not tell the most CPUs and memory that it may have');
  }
  const processor = processorOf(name, shape.processorType?.value ?? null);
  const machines: Machine[] = [];
  for (const ocpus of doubling(Math.max(1, ocpu.min ?? 1), ocpu.max)) {
    for (const ratio of MEMORY_PER_VCPU_GIB) {
      const memoryGiB = ocpus * processor.vcpusPerOcpu * ratio;
      if (memoryGiB < (memory.min ?? 1) || memoryGiB > Math.min(memory.max, ocpus * MAX_GIB_PER_OCPU)) continue;
      machines.push({
        shape: name,
        instanceType: `${name}-${ocpus}ocpu-${memoryGiB}gb`,
        ocpus,
        memoryGiB,
        processor,
        accelerator: null,
        diskTb: null,
        pricePerHour: ocpus * ocpuPrice.perHour + memoryGiB * memoryPrice.perHour,
        preemptible: shape.allowPreemptible === true,
        flexible: true,
      });
    }
  }
  return machines.length > 0 ? machines : new Unpriced('no size of the ladder lies within its bounds');
}

function doubling(from: number, to: number): readonly number[] {
  const steps: number[] = [];
  for (let step = from; step < to; step *= 2) steps.push(step);
  steps.push(to);
  return steps;
}
