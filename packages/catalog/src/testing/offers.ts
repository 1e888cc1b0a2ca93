/** Offers for tests: as a source says them, with what a test is not about filled in. */
import type { CatalogOffer } from '../catalog-offer.ts';
import type { CollectedOffer } from '../collected-offer.ts';
import { normalizeOffer } from '../normalize.ts';

export type OfferSketch = Partial<CollectedOffer> & {
  readonly backend?: string;
  /** `H100`, `A100-80GB:8`, `T4:0.5`. */
  readonly gpu?: string;
  readonly collectedAt?: number;
};

/** An offer of a well-kept source; numbers that normalizing would turn away are put in afterwards. */
export function testOffer(sketch: OfferSketch = {}): CatalogOffer {
  const { backend = 'aws', gpu, collectedAt = 0, pricePerHour = 1, ...rest } = sketch;
  const [label, count = '1'] = gpu?.split(':') ?? [];
  const normalized = normalizeOffer(
    {
      instanceType: gpu === undefined ? 'm5.large' : `gpu.${gpu}`,
      region: 'us-east-1',
      capacityType: 'on-demand',
      cpus: 8,
      memoryMiB: 65_536,
      accelerator: label === undefined ? null : { label, count: Number(count) },
      ...rest,
      pricePerHour: 1,
    },
    { backend, source: backend, collectedAt },
  );
  if (!normalized.ok) throw new Error(normalized.reason);
  return { ...normalized.offer, pricePerHour };
}
