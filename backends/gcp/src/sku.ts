/**
 * What a SKU of the Cloud Billing Catalog is the price of. Nothing but its description tells it.
 * Descriptions: https://cloud.google.com/skus
 */

import { z } from 'zod';

/** Source: https://cloud.google.com/billing/docs/reference/rest/v1/services.skus/list */
export const SkuSchema = z.object({
  description: z.string(),
  category: z.object({ resourceFamily: z.string(), resourceGroup: z.string(), usageType: z.string() }),
  serviceRegions: z.array(z.string()),
  /** In the order of time; without a span in the request, the latest alone. */
  pricingInfo: z.array(
    z.object({
      pricingExpression: z.object({
        /** UCUM: `h`, `GiBy.h`, `GiBy.mo`. */
        usageUnit: z.string(),
        tieredRates: z.array(
          z.object({
            unitPrice: z.object({
              currencyCode: z.string(),
              units: z.string().default('0'),
              /** Billionths. */
              nanos: z.number().default(0),
            }),
          }),
        ),
      }),
    }),
  ),
});
export type Sku = z.infer<typeof SkuSchema>;

/** `calendar` and `flex-start` are the modes of the Dynamic Workload Scheduler. */
export type Terms = 'on-demand' | 'spot' | 'calendar' | 'flex-start';
export const TERMS: readonly Terms[] = ['on-demand', 'spot', 'calendar', 'flex-start'];

/**
 * `core`, `ram`, `ssd`: by machine family. `gpu`: by the device's words. `slice`: a GPU with its share of
 * the machine. `tpu`: by version. `machine`: a whole machine, by its type.
 */
export type RateKind = 'core' | 'ram' | 'ssd' | 'gpu' | 'slice' | 'tpu' | 'machine';

export interface SkuMeaning {
  readonly kind: RateKind;
  readonly key: string;
  readonly terms: Terms;
}

const TERMS_OF_WORDS: readonly (readonly [words: RegExp, terms: Terms])[] = [
  [/^(?:Spot )?Preemptible | attached to (?:Spot )?Preemptible VMs$/i, 'spot'],
  [/^DWS Calendar Mode | attached to DWS Calendar Mode VMs$/i, 'calendar'],
  [/^DWS Defined Duration | attached to DWS Defined Duration VMs$/i, 'flex-start'],
];

/** Other ways to pay, shapes of one's own, other shares of a GPU, and what a stopped machine costs. */
const OTHER =
  /\b(?:Commitment|Committed|Sole Tenancy|Reserved|Custom|Extended|Suspended|Capacity Optimized|vGPU|DWS)\b/i;

/** M2 is billed like M1, and this on top. */
export const M2_PREMIUM = 'm2-premium';
const PREMIUM = /^Memory Optimized Upgrade Premium for Memory-optimized Instance (Core|Ram)$/i;

/** An eighth of a G4 machine with one GPU, its CPUs and memory included. */
export const G4_EIGHTH = 'g4-eighth';

/** Families whose SKUs do not carry their name. */
const NAMELESS: Readonly<Record<string, string>> = { 'compute optimized': 'c2', 'memory-optimized': 'm1' };

/** Null: the SKU is the price of nothing that makes up a machine or a TPU. */
export function meaningOf({ description, category }: Pick<Sku, 'description' | 'category'>): SkuMeaning | null {
  if (category.usageType !== 'OnDemand' && category.usageType !== 'Preemptible') return null;
  // `… running in Americas`, `… in Taiwan`: the regions are in a field of their own.
  let words = description.replace(/\s+(?:running\s+)?in\s+\S.*$/, '').trim();
  let terms: Terms = category.usageType === 'Preemptible' ? 'spot' : 'on-demand';
  for (const [pattern, named] of TERMS_OF_WORDS) {
    if (!pattern.test(words)) continue;
    // Some SKUs of preemptible machines are filed under on demand: the description is right.
    terms = named;
    words = words.replace(pattern, '').trim();
  }
  if (category.resourceGroup === 'TPU' && /\bPreemptible\b/i.test(words)) terms = 'spot';
  const of = partOf(words, category);
  return of === null ? null : { ...of, terms };
}

function partOf(words: string, category: Sku['category']): Omit<SkuMeaning, 'terms'> | null {
  const premium = PREMIUM.exec(words)?.[1];
  if (premium !== undefined) return { kind: coreOrRam(premium), key: M2_PREMIUM };
  if (/^1\/8 vGPU no lssd$/i.test(words)) return { kind: 'slice', key: G4_EIGHTH };
  if (OTHER.test(words) || /\bPremium\b/i.test(words)) return null;
  if (category.resourceFamily === 'Storage') return ssdOf(words);
  if (category.resourceFamily !== 'Compute') return null;
  if (category.resourceGroup === 'F1Micro') return { kind: 'machine', key: 'f1-micro' };
  if (category.resourceGroup === 'G1Small') return { kind: 'machine', key: 'g1-small' };
  return tpuOf(words, category.resourceGroup) ?? sliceOf(words) ?? gpuOf(words) ?? coreOrRamOf(words) ?? ssdOf(words);
}

function ssdOf(words: string): Omit<SkuMeaning, 'terms'> | null {
  if (/^SSD backed Local Storage$/i.test(words)) return { kind: 'ssd', key: ANY_FAMILY };
  const family = /^(\w+)(?: \w+)? Instance Local SSD$/i.exec(words)?.[1];
  return family === undefined ? null : { kind: 'ssd', key: family.toLowerCase() };
}

/** Key of local SSDs that have no price of their family's own. */
export const ANY_FAMILY = '*';

/** `TpuV5e`, `TPU7x`, `Tpu-v2 accelerator`, `Tpu-v3 Pod`. */
function tpuOf(words: string, group: string): Omit<SkuMeaning, 'terms'> | null {
  // In the group of TPUs the version may stand anywhere; elsewhere a TPU is only in what begins with it.
  const pattern = group === 'TPU' ? /\bTPU[- ]?v?(\d+[a-z]*)\b/i : /^TPU[- ]?v?(\d+[a-z]*)\b/i;
  const version = pattern.exec(words)?.[1];
  if (version === undefined) return null;
  return { kind: 'tpu', key: `v${version.toLowerCase()}${/\bpod\b/i.test(words) ? ' pod' : ''}` };
}

/** `A4 Nvidia B200 (1 gpu slice)`: pays for the CPUs, the memory and the disks of its share as well. */
function sliceOf(words: string): Omit<SkuMeaning, 'terms'> | null {
  const device = /^\w+ (?:Nvidia )?(\w+) \(1 gpu slice\)$/i.exec(words)?.[1];
  return device === undefined ? null : { kind: 'slice', key: device.toLowerCase() };
}

/** `Nvidia Tesla A100 80GB GPU` → `a100 80gb`; the RTX PRO 6000 is called `RTX 6000 96GB`. */
function gpuOf(words: string): Omit<SkuMeaning, 'terms'> | null {
  if (/\bRTX 6000 96GB\b/i.test(words)) return { kind: 'gpu', key: 'rtx 6000 96gb' };
  if (!/ GPU$/i.test(words)) return null;
  const key = words
    .toLowerCase()
    .replace(/\b(?:nvidia|tesla|gpu)\b/g, '')
    .trim()
    .replace(/\s+/g, ' ');
  return { kind: 'gpu', key };
}

/** `N2D AMD Instance Core`, `C4A Arm Instance Ram`, `Compute optimized Core`, `A3 Core`: the family is one word, whole. */
function coreOrRamOf(words: string): Omit<SkuMeaning, 'terms'> | null {
  // `A3 Ultra` is also written in two words.
  const [, family, resource] =
    /^(.+?)(?: Instance)? (Core|Ram)$/i.exec(words.replace(/^A3 (?=Ultra|Plus)/i, 'A3')) ?? [];
  if (family === undefined || resource === undefined) return null;
  const nameless = NAMELESS[family.toLowerCase()];
  if (nameless !== undefined) return { kind: coreOrRam(resource), key: nameless };
  const token = /^(\w+)(?: (?:AMD|Arm|Predefined|Memory-optimized))?$/i.exec(family)?.[1];
  return token === undefined ? null : { kind: coreOrRam(resource), key: token.toLowerCase() };
}

function coreOrRam(word: string): 'core' | 'ram' {
  return word.toLowerCase() === 'core' ? 'core' : 'ram';
}
