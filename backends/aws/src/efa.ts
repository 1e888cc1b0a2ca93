/**
 * Accelerated and HPC instance types whose machines talk over an Elastic Fabric Adapter.
 * Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa.html#efa-instance-types
 *
 * General-purpose types that support it too are left out: there it is one adapter among others, not what
 * the machine is bought for.
 */
const SIZES: Readonly<Record<string, readonly string[]>> = {
  dl1: ['24xlarge'],
  dl2q: ['24xlarge'],
  f2: ['48xlarge'],
  g4dn: ['8xlarge', '12xlarge', '16xlarge', 'metal'],
  g5: ['8xlarge', '12xlarge', '16xlarge', '24xlarge', '48xlarge'],
  g6: ['8xlarge', '12xlarge', '16xlarge', '24xlarge', '48xlarge'],
  g6e: ['8xlarge', '12xlarge', '16xlarge', '24xlarge', '48xlarge'],
  gr6: ['8xlarge'],
  g7e: ['8xlarge', '12xlarge', '24xlarge', '48xlarge'],
  hpc6a: ['48xlarge'],
  hpc6id: ['32xlarge'],
  hpc7a: ['12xlarge', '24xlarge', '48xlarge', '96xlarge'],
  hpc7g: ['4xlarge', '8xlarge', '16xlarge'],
  hpc8a: ['96xlarge'],
  inf1: ['24xlarge'],
  p3dn: ['24xlarge'],
  p4d: ['24xlarge'],
  p4de: ['24xlarge'],
  p5: ['4xlarge', '48xlarge'],
  p5e: ['48xlarge'],
  p5en: ['48xlarge'],
  'p6-b200': ['48xlarge'],
  'p6-b300': ['48xlarge'],
  'p6e-gb200': ['36xlarge'],
  trn1: ['32xlarge'],
  trn1n: ['32xlarge'],
  trn2: ['3xlarge', '48xlarge'],
  trn2u: ['48xlarge'],
  vt1: ['24xlarge'],
};

export function hasEfa(instanceType: string): boolean {
  const [family = '', size = ''] = instanceType.split('.', 2);
  return SIZES[family]?.includes(size) ?? false;
}
