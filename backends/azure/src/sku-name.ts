/**
 * Azure's names of VM sizes say what is in them: `Standard_NC40ads_H100_v5` is family NC, 40 vCPUs,
 * features a (AMD), d (local disk) and s (premium storage), with an H100, fifth version.
 * Source: https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions
 */
export interface SkuName {
  /** Upper case: `D`, `DC`, `NC`. `DS` in the oldest names, where s stands before the number. */
  readonly family: string;
  /** Of the full size. In the oldest families (`DS3_v2`, `G4`) it is no more than a running number. */
  readonly number: number;
  /** What is left of the vCPUs of a size that keeps its memory and gives up some of them (`E16-4s_v5`); null: all. */
  readonly constrained: number | null;
  /** Lower-case letters. */
  readonly features: string;
  /** Between features and version: `H100`, `NDR`, `cc`, `3`. */
  readonly parts: readonly string[];
  /** 1 where the name has none. */
  readonly version: number;
}

const SIZE = /^([a-z]+?)(\d+)(?:-(\d+))?([a-z]*)$/i;
const VERSION = /^v(\d+)$/i;

/** Null: not a name of this form. */
export function parseSkuName(armSkuName: string): SkuName | null {
  const [tier, size = '', ...rest] = armSkuName.replace(/_Promo$/i, '').split('_');
  const match = SIZE.exec(size);
  if (tier?.toLowerCase() !== 'standard' || match === null) return null;
  const [, family = '', number = '', constrained, features = ''] = match;
  const version = VERSION.exec(rest.at(-1) ?? '')?.[1];
  return {
    family: family.toUpperCase(),
    number: Number(number),
    constrained: constrained === undefined ? null : Number(constrained),
    features: features.toLowerCase(),
    parts: version === undefined ? rest : rest.slice(0, -1),
    version: version === undefined ? 1 : Number(version),
  };
}
