import type { Accelerator } from './accelerator.ts';

/**
 * AWS's price list says of g5g, whose instances hold NVIDIA's T4G, that they hold this one, with 4 GB.
 * The label means what it says; whether a list is right is not for a name to decide.
 */
export const ARM: readonly Accelerator[] = [
  {
    name: 'Mali-G78MP12',
    vendor: 'arm',
    architecture: 'Valhall',
    computeCapability: null,
    memorySizesMiB: [4 * 1024],
    formFactors: [],
    hostArch: 'arm',
    aliases: ['Mali G78 MP12'],
  },
];
