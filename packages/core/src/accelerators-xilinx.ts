import type { Accelerator, AcceleratorAlias } from './accelerator.ts';

function fpga(name: string, architecture: string, gib: number, aliases: readonly AcceleratorAlias[]): Accelerator {
  return {
    name,
    vendor: 'xilinx',
    architecture,
    computeCapability: null,
    memorySizesMiB: [gib * 1024],
    formFactors: ['PCIe'],
    hostArch: null,
    aliases,
  };
}

/**
 * Clouds sell programmable cards as accelerators, so they are devices here. AMD owns the maker; they keep a
 * vendor of their own, as EC2 lists them, so that whoever asks for AMD's GPUs is not given an FPGA.
 *
 * Memory is that beside one chip: AWS's FPGA Development Kit (F1: 64 GB of DDR4; F2: as much, and 16 GB of
 * HBM), and the data sheets of the Alveo cards.
 */
export const XILINX: readonly Accelerator[] = [
  fpga('VU9P', 'UltraScale+', 64, ['Virtex UltraScale VU9P', 'Virtex UltraScale+ VU9P']),
  fpga('VU47P', 'UltraScale+', 80, ['Virtex UltraScale VU47P', 'Virtex UltraScale+ VU47P', 'UltraScale+ VU47P']),
  fpga('AlveoU30', 'UltraScale+', 8, ['U30']),
  fpga('AlveoU250', 'UltraScale+', 64, ['U250']),
];
