import type { Accelerator, AcceleratorAlias } from './accelerator.ts';

function cloudAi(name: string, gib: readonly number[], aliases: readonly AcceleratorAlias[]): Accelerator {
  return {
    name,
    vendor: 'qualcomm',
    architecture: 'AI100',
    computeCapability: null,
    memorySizesMiB: gib.map((size) => size * 1024),
    formFactors: ['PCIe'],
    hostArch: null,
    aliases,
  };
}

/** Cloud AI SDK, "Architecture": Standard and Pro hold one chip, Ultra four behind one switch. */
export const QUALCOMM: readonly Accelerator[] = [
  cloudAi(
    'AI100',
    [16, 32],
    [
      { label: 'AI 100 Standard', memoryGiB: 16 },
      { label: 'AI 100 Pro', memoryGiB: 32 },
    ],
  ),
  cloudAi('AI100Ultra', [128], []),
];
