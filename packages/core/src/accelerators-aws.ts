import type { Accelerator, AcceleratorAlias } from './accelerator.ts';

function neuron(name: string, architecture: string, gib: number, aliases: readonly AcceleratorAlias[]): Accelerator {
  return {
    name,
    vendor: 'aws',
    architecture,
    computeCapability: null,
    memorySizesMiB: [gib * 1024],
    formFactors: [],
    hostArch: null,
    aliases,
  };
}

/** Memory is that of one chip, which EC2 counts: AWS Neuron documentation, "Neuron hardware". */
export const AWS: readonly Accelerator[] = [
  neuron('Inferentia', 'NeuronCore-v1', 8, ['Inferentia1']),
  neuron('Inferentia2', 'NeuronCore-v2', 32, []),
  neuron('Trainium', 'NeuronCore-v2', 32, ['Trainium1']),
  neuron('Trainium2', 'NeuronCore-v3', 96, []),
  neuron('Trainium3', 'NeuronCore-v4', 144, []),
];
