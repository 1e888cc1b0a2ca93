/**
 * What is in the accelerated instance families. The price list counts NVIDIA's and AMD's GPUs and names
 * none; of AWS's own chips, FPGAs and video cards it does not even tell the number.
 *
 * Sources: https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html (counts, memory),
 * https://aws.amazon.com/ec2/instance-types/g6f/ (shares of an L4), and for Trainium and Inferentia
 * https://awsdocs-neuron.readthedocs-hosted.com/en/latest/about-neuron/arch/neuron-hardware/.
 * Labels are those of EC2's own DescribeInstanceTypes.
 */

import type { CollectedAccelerator } from '@berth/catalog/collected-offer';

interface FamilyFacts {
  readonly label: string;
  /** Of one device, as EC2 reports it; the registry of accelerators snaps it to the size it is made with. */
  readonly memoryMiB?: number;
  readonly formFactor?: NonNullable<CollectedAccelerator['formFactor']>;
  readonly vendor?: NonNullable<CollectedAccelerator['vendor']>;
  /** Devices by size, where the price list says nothing or rounds. */
  readonly counts?: Readonly<Record<string, number>>;
}

const gib = (size: number): number => size * 1024;

const L4 = { label: 'L4', memoryMiB: gib(24) };
const FAMILIES: Readonly<Record<string, FamilyFacts>> = {
  g2: { label: 'GRID K520', memoryMiB: gib(4) },
  g3: { label: 'M60', memoryMiB: gib(8) },
  g3s: { label: 'M60', memoryMiB: gib(8) },
  g4ad: { label: 'Radeon Pro V520', memoryMiB: gib(8), vendor: 'amd' },
  g4dn: { label: 'T4', memoryMiB: gib(16) },
  g5: { label: 'A10G', memoryMiB: 22_888 },
  g5g: { label: 'T4g', memoryMiB: gib(16) },
  g6: L4,
  gr6: L4,
  g6f: { ...L4, counts: { large: 1 / 8, xlarge: 1 / 8, '2xlarge': 1 / 4, '4xlarge': 1 / 2 } },
  gr6f: { ...L4, counts: { '4xlarge': 1 / 2 } },
  g6e: { label: 'L40S', memoryMiB: 45_776 },
  g7: { label: 'RTX PRO 4500', memoryMiB: gib(32) },
  g7e: { label: 'RTX PRO Server 6000', memoryMiB: gib(96) },
  p2: { label: 'K80', memoryMiB: gib(12) },
  p3: { label: 'V100', memoryMiB: gib(16), formFactor: 'SXM' },
  p3dn: { label: 'V100', memoryMiB: gib(32), formFactor: 'SXM' },
  p4d: { label: 'A100', memoryMiB: gib(40), formFactor: 'SXM' },
  p4de: { label: 'A100', memoryMiB: gib(80), formFactor: 'SXM' },
  p5: { label: 'H100', memoryMiB: gib(80), formFactor: 'SXM' },
  p5e: { label: 'H200', memoryMiB: gib(141), formFactor: 'SXM' },
  p5en: { label: 'H200', memoryMiB: gib(141), formFactor: 'SXM' },
  'p6-b200': { label: 'B200', memoryMiB: 183_359, formFactor: 'SXM' },
  'p6-b300': { label: 'B300', memoryMiB: 275_040, formFactor: 'SXM' },
  // EC2 calls these B200 and B300; it is the name of the family that tells of the Grace beside them.
  'p6e-gb200': { label: 'GB200', memoryMiB: gib(185), formFactor: 'SXM', counts: { '36xlarge': 4 } },
  'p6e-gb300': { label: 'GB300', memoryMiB: gib(278), formFactor: 'SXM', counts: { '36xlarge': 4 } },
  dl1: { label: 'Gaudi HL-205', memoryMiB: gib(32), vendor: 'intel', counts: { '24xlarge': 8 } },
  dl2q: { label: 'Qualcomm AI100', memoryMiB: gib(16), counts: { '24xlarge': 8 } },
  inf1: { label: 'Inferentia', memoryMiB: gib(8), counts: { xlarge: 1, '2xlarge': 1, '6xlarge': 4, '24xlarge': 16 } },
  inf2: {
    label: 'Inferentia2',
    memoryMiB: gib(32),
    counts: { xlarge: 1, '8xlarge': 1, '24xlarge': 6, '48xlarge': 12 },
  },
  trn1: { label: 'Trainium', memoryMiB: gib(32), counts: { '2xlarge': 1, '32xlarge': 16 } },
  trn1n: { label: 'Trainium', memoryMiB: gib(32), counts: { '32xlarge': 16 } },
  trn2: { label: 'Trainium2', memoryMiB: gib(96), counts: { '3xlarge': 1, '48xlarge': 16 } },
  trn2u: { label: 'Trainium2', memoryMiB: gib(96), counts: { '48xlarge': 16 } },
  f1: { label: 'Virtex UltraScale VU9P', counts: { '2xlarge': 1, '4xlarge': 2, '16xlarge': 8 } },
  f2: { label: 'Virtex UltraScale VU47P', counts: { '6xlarge': 1, '12xlarge': 2, '48xlarge': 8 } },
  vt1: { label: 'Alveo U30', counts: { '3xlarge': 1, '6xlarge': 2, '24xlarge': 8 } },
};

/** What the price list calls families that are paid for their accelerators. */
const ACCELERATED = /GPU|Machine Learning|Accelerat|FPGA|Media/i;

export type FoundAccelerator = { readonly accelerator: CollectedAccelerator | null } | { readonly problem: string };

/**
 * The accelerator of an instance type, from the number that the price list gives (null: none given), what
 * it says of the family, and the facts above. A type that is sold for its accelerator is never taken for
 * one without: a family that nobody has described yet keeps its number under a label that says whose it
 * is, and a type of which not even the number is known is a problem.
 */
export function acceleratorOf(
  instanceType: string,
  listedCount: number | null,
  instanceFamily: string,
): FoundAccelerator {
  const [family = '', size = ''] = instanceType.split('.', 2);
  const facts = FAMILIES[family];
  if (facts === undefined && listedCount === null && !ACCELERATED.test(instanceFamily)) return { accelerator: null };
  const count = facts?.counts?.[size] ?? listedCount;
  if (count === null) {
    return {
      problem: `it has accelerators ("${instanceFamily}"), and neither the price list nor our facts count them`,
    };
  }
  if (facts === undefined) return { accelerator: { label: `AWS ${family} accelerator`, count } };
  const { label, memoryMiB = null, formFactor = null, vendor = null } = facts;
  return { accelerator: { label, count, memoryMiB, formFactor, vendor } };
}
