import type { Accelerator, AcceleratorAlias, FormFactor } from './accelerator.ts';

function amd(
  name: string,
  architecture: string,
  gib: readonly number[],
  formFactors: readonly FormFactor[],
  aliases: readonly AcceleratorAlias[] = [],
): Accelerator {
  return {
    name,
    vendor: 'amd',
    architecture,
    computeCapability: null,
    memorySizesMiB: gib.map((size) => size * 1024),
    formFactors,
    hostArch: null,
    // Vast.ai runs the brand into the name.
    aliases: name.startsWith('MI') ? [`Instinct${name}`, ...aliases] : aliases,
  };
}

/**
 * `0x…` is the PCI device id (libdrm's amdgpu.ids), which rocm-smi prints in place of a name it does
 * not know. `VF`: the device as a virtual machine sees it, whole. rocm-smi calls MI250 and MI250X
 * alike "MI250X / MI250", which therefore resolves to neither.
 */
export const AMD: readonly Accelerator[] = [
  amd('MI25', 'GCN5', [16], ['PCIe']),
  amd('MI50', 'GCN5', [16, 32], ['PCIe']),
  amd('MI60', 'GCN5', [32], ['PCIe']),
  amd('MI100', 'CDNA', [32], ['PCIe'], ['0x738c']),
  amd('MI210', 'CDNA2', [64], ['PCIe'], ['0x740f']),
  amd('MI250', 'CDNA2', [128], ['OAM'], ['0x740c']),
  amd('MI250X', 'CDNA2', [128], ['OAM'], ['0x7408']),
  amd('MI300A', 'CDNA3', [128], [], ['0x74a0']),
  amd('MI300X', 'CDNA3', [192], ['OAM'], ['MI300X VF', '0x74a1', '0x74a9', '0x74b5', '0x74bd']),
  amd('MI308X', 'CDNA3', [128, 192], ['OAM'], ['MI308X VF', '0x74a2', '0x74b6']),
  // Announced with 288 GB, and so in older lists; what ships has 256.
  amd('MI325X', 'CDNA3', [256, 288], ['OAM'], ['MI325X VF', '0x74a5']),
  amd('MI350X', 'CDNA4', [288], ['OAM'], ['MI350X VF', '0x75a0']),
  amd('MI355X', 'CDNA4', [288], ['OAM'], ['MI355X VF', '0x75a3']),
  amd('V520', 'RDNA', [8], ['PCIe'], ['Radeon Pro V520']),
  amd('V620', 'RDNA2', [32], ['PCIe'], ['Radeon Pro V620']),
  // With 28 GB on the card, of which Azure hands out 24.
  amd('V710', 'RDNA3', [24, 28], ['PCIe'], ['Radeon Pro V710']),
  amd('RX6800', 'RDNA2', [16], ['PCIe'], ['6800']),
  amd('RX6800XT', 'RDNA2', [16], ['PCIe'], ['6800 XT']),
  amd('RX6900XT', 'RDNA2', [16], ['PCIe'], ['6900 XT']),
  amd('RX6950XT', 'RDNA2', [16], ['PCIe'], ['6950 XT']),
  amd('W6800', 'RDNA2', [32], ['PCIe'], ['Radeon Pro W6800']),
  amd('W7800', 'RDNA3', [32, 48], ['PCIe'], ['Radeon Pro W7800', 'PRO W7800']),
  amd('W7900', 'RDNA3', [48], ['PCIe'], ['Radeon Pro W7900', 'PRO W7900']),
  amd('RX7900XT', 'RDNA3', [20], ['PCIe'], ['7900 XT']),
  amd('RX7900XTX', 'RDNA3', [24], ['PCIe'], ['7900 XTX']),
  amd('RX9070XT', 'RDNA4', [16], ['PCIe'], ['9070 XT']),
  amd('R9700', 'RDNA4', [32], ['PCIe'], ['Radeon AI Pro R9700', 'Radeon Pro R9700']),
];
