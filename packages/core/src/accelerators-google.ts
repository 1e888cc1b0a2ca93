import type { Accelerator, AcceleratorAlias } from './accelerator.ts';

/** Memory is that of one chip: Cloud TPU documentation, "System architecture" of each version. */
function tpu(name: string, gib: number, aliases: readonly AcceleratorAlias[]): Accelerator {
  return {
    name,
    vendor: 'google',
    architecture: 'TPU',
    computeCapability: null,
    memorySizesMiB: [gib * 1024],
    formFactors: [],
    hostArch: null,
    aliases,
  };
}

/** The longer aliases are the labels of GKE nodes and of Vertex AI. `v5` alone is two devices, so it is none. */
export const GOOGLE: readonly Accelerator[] = [
  tpu('v2', 16, ['v2 pod']),
  tpu('v3', 32, ['v3 pod', 'v3 device', 'v3 slice']),
  tpu('v4', 32, ['v4 pod', 'v4 podslice']),
  tpu('v5litepod', 16, ['v5e', 'v5 lite', 'v5 lite pod', 'v5 lite podslice', 'v5 lite device']),
  tpu('v5p', 95, ['v5p slice', 'v5p pod']),
  tpu('v6e', 32, ['v6e slice', 'Trillium']),
  tpu('tpu7x', 192, ['v7', 'v7x', 'Ironwood']),
];
