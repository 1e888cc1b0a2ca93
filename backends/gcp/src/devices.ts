import type { CollectedAccelerator } from '@berth/catalog/collected-offer';

type Facts = Pick<CollectedAccelerator, 'memoryMiB' | 'formFactor'>;

const GIB = 1024;

/**
 * What the names of accelerator types do not say, of devices that are made in several sizes and forms.
 * Source: https://cloud.google.com/compute/docs/gpus (memory of each model; the A3 series are named
 * SXM there, and A100 and V100 are joined by NVLink, which only boards of that form have eight of).
 */
const DEVICES: Readonly<Record<string, Facts>> = {
  'nvidia-tesla-p100': { memoryMiB: 16 * GIB },
  'nvidia-tesla-v100': { memoryMiB: 16 * GIB, formFactor: 'SXM' },
  'nvidia-tesla-a100': { memoryMiB: 40 * GIB, formFactor: 'SXM' },
  'nvidia-a100-80gb': { formFactor: 'SXM' },
  'nvidia-h100-80gb': { formFactor: 'SXM' },
  'nvidia-h100-mega-80gb': { formFactor: 'SXM' },
  'nvidia-h200-141gb': { formFactor: 'SXM' },
};

/** The device as the registry reads it. */
export function deviceOf(acceleratorType: string, count: number): CollectedAccelerator {
  return { label: acceleratorType, count, ...DEVICES[acceleratorType] };
}
