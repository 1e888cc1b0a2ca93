/** What FluffyCloud sells, and where. */
export interface Region {
  readonly name: string;
  readonly title: string;
}

export interface Gpus {
  readonly model: string;
  readonly vendor: 'nvidia' | 'amd';
  readonly count: number;
  /** Per GPU. */
  readonly memoryMib: number;
}

export interface InstanceType {
  readonly name: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGb: number;
  readonly gpus: Gpus | null;
  /** US cents per hour; spot null: not sold as spot. */
  readonly onDemandCents: number;
  readonly spotCents: number | null;
  readonly regions: readonly string[];
}

export const REGIONS: readonly Region[] = [
  { name: 'north-1', title: 'Cumulus, far north' },
  { name: 'south-1', title: 'Stratus, deep south' },
  { name: 'west-2', title: 'Cirrus, wild west' },
];

const EVERYWHERE = REGIONS.map((region) => region.name);

function nvidia(model: string, count: number, memoryGib: number): Gpus {
  return { model, vendor: 'nvidia', count, memoryMib: memoryGib * 1024 };
}

function type(
  name: string,
  [vcpus, memoryGib, diskGb]: readonly [number, number, number],
  [onDemandCents, spotCents]: readonly [number, number | null],
  regions: readonly string[] = EVERYWHERE,
  gpus: Gpus | null = null,
): InstanceType {
  return { name, vcpus, memoryMib: memoryGib * 1024, diskGb, gpus, onDemandCents, spotCents, regions };
}

export const INSTANCE_TYPES: readonly InstanceType[] = [
  type('puff.small', [1, 1, 20], [1.2, 0.4]),
  type('puff.medium', [2, 4, 40], [4, 1.5]),
  type('puff.large', [4, 8, 80], [8, 3]),
  type('puff.xlarge', [8, 16, 160], [16, 6]),
  type('puff.2xlarge', [16, 32, 320], [32, 12.5]),
  type('mem.large', [4, 32, 80], [14, 5]),
  type('mem.xlarge', [8, 64, 160], [28, null], ['north-1', 'west-2']),
  type('gpu.l4.1', [8, 32, 200], [80, 32], EVERYWHERE, nvidia('L4', 1, 24)),
  type('gpu.l4.4', [32, 128, 400], [310, 125], ['north-1', 'west-2'], nvidia('L4', 4, 24)),
  type('gpu.a100.1', [16, 96, 400], [180, 95], ['north-1', 'west-2'], nvidia('A100', 1, 80)),
  type('gpu.h100.1', [24, 192, 800], [290, 140], ['north-1', 'south-1'], nvidia('H100', 1, 80)),
  type('gpu.h100.8', [192, 1536, 8000], [2240, null], ['north-1'], nvidia('H100', 8, 80)),
];

export function findInstanceType(name: string): InstanceType | undefined {
  return INSTANCE_TYPES.find((candidate) => candidate.name === name);
}
