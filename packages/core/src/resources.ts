import { z } from 'zod';
import { ANY_CPU_COUNT, CPU_PATTERN, type CpuSpec, parseCpu } from './cpu-spec.ts';
import { GPU_PATTERN, ONE_GPU, parseComputeCapability, parseGpu, parseGpuNames, requireVendor } from './gpu-spec.ts';
import { attempt, rangeMapOf, rangeOf, textOf } from './grammar.ts';
import { MEMORY, parseMemory } from './memory.ts';
import { CPU_ARCHS, type GpuRequirement, type Range } from './offer.ts';
import { COUNT } from './ranges.ts';

/** `resources:` of a configuration; a key that was not written is absent. */

const count = z.int().min(0);
const gigabytes = z.number().min(0);
const countRange = rangeOf(COUNT, count);
const memoryRange = rangeOf(MEMORY, gigabytes);

const cpu = z
  .union([
    count.transform((value): CpuSpec => ({ arch: null, count: { min: value, max: value } })),
    textOf(parseCpu, CPU_PATTERN),
    z
      .strictObject({ arch: z.enum(CPU_ARCHS).nullish(), count: countRange.nullish() })
      .transform((value): CpuSpec => ({ arch: value.arch ?? null, count: value.count ?? ANY_CPU_COUNT })),
    rangeMapOf(COUNT, count).transform((value): CpuSpec => ({ arch: null, count: value })),
  ])
  .meta({ description: 'CPUs and their architecture: `4`, `2..8`, `x86:8..`, `arm:16`.' });

/** Several times as many as there are. */
const MAX_GPU_NAMES = 200;
const name = z.union([textOf(parseGpuNames, '^[A-Za-z]'), z.array(z.string().min(1)).min(1).max(MAX_GPU_NAMES)]);

const gpuMap = z
  .strictObject({
    vendor: textOf(requireVendor, '^[A-Za-z]+$').nullish(),
    name: name.nullish(),
    count: countRange.nullish(),
    memory: memoryRange.nullish(),
    total_memory: memoryRange.nullish(),
    compute_capability: z
      .union([z.number(), z.string()])
      .transform((value, context) => attempt(context, () => parseComputeCapability(value)))
      .nullish(),
  })
  .transform((value): GpuRequirement => {
    // Memory in total is a statement about several devices: it leaves their number open.
    const silent: Range = value.total_memory == null ? ONE_GPU : { min: 1, max: null };
    return {
      vendor: value.vendor ?? null,
      names: value.name ?? null,
      count: value.count ?? silent,
      memoryMiB: value.memory ?? null,
      totalMemoryMiB: value.total_memory ?? null,
      computeCapability: value.compute_capability ?? null,
    };
  });

const gpu = z
  .union([
    count.transform((value): GpuRequirement => ({ ...parseGpu('1'), count: { min: value, max: value } })),
    textOf(parseGpu, GPU_PATTERN),
    gpuMap,
  ])
  .meta({ description: 'Accelerators: `H100:8`, `A100:80GB:2..4`, `24GB..`, `A10G,A100`, `amd`, or a map.' });

const disk = z
  .union([memoryRange, z.strictObject({ size: memoryRange }).transform((value) => value.size)])
  .meta({ description: 'Disk: `100GB`, `200GB..`, or a map with `size`.' });

export const resourcesSchema = z
  .strictObject({
    cpu: cpu.nullish(),
    memory: memoryRange.nullish().meta({ description: 'Memory: `16GB`, `16GB..`, `8GB..64GB`.' }),
    shm_size: z
      .union([
        gigabytes.transform((value, context) => attempt(context, () => parseMemory(value))),
        textOf(parseMemory, `^\\s*${MEMORY.pattern}\\s*$`),
      ])
      .nullish()
      .meta({ description: 'Size of /dev/shm, for example `16GB`.' }),
    gpu: gpu.nullish(),
    disk: disk.nullish(),
  })
  .meta({ description: 'What a machine must have.' });

export type Resources = z.output<typeof resourcesSchema>;
