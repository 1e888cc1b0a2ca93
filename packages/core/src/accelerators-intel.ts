import type { Accelerator, AcceleratorAlias, FormFactor } from './accelerator.ts';

function intel(
  name: string,
  architecture: string,
  gib: number,
  formFactors: readonly FormFactor[],
  aliases: readonly AcceleratorAlias[],
): Accelerator {
  return {
    name,
    vendor: 'intel',
    architecture,
    computeCapability: null,
    memorySizesMiB: [gib * 1024],
    formFactors,
    hostArch: null,
    aliases,
  };
}

/** `HL-…` are the names of the boards, which `hl-smi` and AWS use. */
export const INTEL: readonly Accelerator[] = [
  intel('Gaudi', 'Gaudi', 32, [], ['Gaudi HL-205', 'HL-205', 'HL-200']),
  intel('Gaudi2', 'Gaudi2', 96, ['OAM', 'PCIe'], ['Gaudi 2', 'HL-225', 'HL-225B', 'HL-225H', 'HL-225C']),
  intel('Gaudi3', 'Gaudi3', 128, ['OAM', 'PCIe'], ['Gaudi 3', 'HL-325', 'HL-325L', 'HL-338']),
  intel('Max1100', 'Xe-HPC', 48, ['PCIe'], ['Data Center GPU Max 1100', 'GPU Max 1100']),
  intel('Max1550', 'Xe-HPC', 128, ['OAM'], ['Data Center GPU Max 1550', 'GPU Max 1550']),
  intel('Flex170', 'Xe-HPG', 16, ['PCIe'], ['Data Center GPU Flex 170', 'GPU Flex 170']),
];
