/** What must be true of an offer by itself. */

import { findAccelerator } from '@berth/core/accelerators';
import type { CatalogOffer } from './catalog-offer.ts';
import type { IntegrityRule } from './integrity-rule.ts';
import type { QuarantineRule } from './quarantine.ts';

export interface Broken {
  readonly rule: QuarantineRule;
  readonly reason: string;
}

/** US dollars per hour. The largest TPU slice that is sold costs about 40,000. */
const ABSURD_PRICE = 100_000;

/** US dollars per hour: GCP's TPU rows whose price SkyPilot does not know; nothing costs just this. */
const SKYPILOT_UNKNOWN_PRICE = 700;

interface Sentinel {
  readonly matches: (offer: CatalogOffer) => boolean;
  readonly reason: string;
}

const isAbout = (price: number, sentinel: number): boolean => Math.abs(price - sentinel) < 1e-6;

/** Numbers that stand for "no price". They look like prices, so each is known by where it occurs. */
const SENTINELS: readonly Sentinel[] = [
  {
    matches: ({ accelerator, pricePerHour }) =>
      accelerator?.vendor === 'google' && isAbout(pricePerHour, SKYPILOT_UNKNOWN_PRICE),
    reason: '700.0 is what a widely used catalog writes for TPUs whose price it does not know',
  },
  {
    matches: ({ pricePerHour }) => [1e4, 1e5, 1e6, 1e9].some((sentinel) => isAbout(pricePerHour, sentinel)),
    reason: 'a round power of ten stands for "not for sale"',
  },
  {
    matches: ({ pricePerHour }) => /^9{4,}(\.9+)?$/.test(String(pricePerHour)),
    reason: 'nothing but nines stands for "not for sale"',
  },
];

/** MiB of a device that is sold for more than this everywhere. */
const DATA_CENTER_MIB = 16 * 1024;

/**
 * US dollars per hour and GiB of a device's memory that no market goes below: the cheapest offers ever
 * seen, old cards of hobbyists, are above twice that. It holds where no other cloud sells the device.
 */
const LEAST_PER_GIB = 0.001;

const BID_FLOOR: Sentinel = {
  matches: ({ accelerator, pricePerHour }) =>
    accelerator !== null &&
    (accelerator.memoryMiB === null || accelerator.memoryMiB >= DATA_CENTER_MIB) &&
    pricePerHour / accelerator.count < leastPerDevice(accelerator.memoryMiB) + 1e-9,
  reason: 'so little for such a device is the floor of a bid, not a price',
};

/** US dollars per hour; a cent at least. */
function leastPerDevice(memoryMiB: number | null): number {
  return Math.max(0.01, ((memoryMiB ?? 0) / 1024) * LEAST_PER_GIB);
}

/** A function that names the first rule that an offer breaks. */
export function offerRules(rules: readonly IntegrityRule[]): (offer: CatalogOffer) => Broken | null {
  const sharesAllowed = rules.some(({ rule }) => rule === 'shares');
  const freeZones = rules.some(({ rule }) => rule === 'free-zone-names');
  const cheap = cheapAccelerators(rules);
  return (offer) => {
    const { accelerator } = offer;
    const price = priceProblem(offer, accelerator !== null && cheap.has(accelerator.name));
    if (price !== null) return price;
    if (accelerator !== null) {
      const reason = countProblem(accelerator.count, sharesAllowed);
      if (reason !== null) return { rule: 'count', reason };
    }
    const memory = memoryProblem(offer);
    if (memory !== null) return { rule: 'memory', reason: memory };
    if (!freeZones && offer.zone !== null && !offer.zone.toLowerCase().includes(offer.region.toLowerCase())) {
      return { rule: 'zone', reason: `zone ${offer.zone} is not in region ${offer.region} by its name` };
    }
    return null;
  };
}

/** Canonical names of devices that are cheap here, as declared. */
export function cheapAccelerators(rules: readonly IntegrityRule[]): ReadonlySet<string> {
  return new Set(rules.flatMap((rule) => (rule.rule === 'cheap' ? rule.accelerators : [])));
}

function priceProblem(offer: CatalogOffer, cheap: boolean): Broken | null {
  const { pricePerHour } = offer;
  if (!Number.isFinite(pricePerHour) || pricePerHour <= 0) {
    return { rule: 'price', reason: `$${pricePerHour} per hour is no price` };
  }
  for (const sentinel of cheap ? SENTINELS : [...SENTINELS, BID_FLOOR]) {
    if (sentinel.matches(offer)) return { rule: 'sentinel-price', reason: `$${pricePerHour}: ${sentinel.reason}` };
  }
  if (pricePerHour > ABSURD_PRICE) return { rule: 'price', reason: `$${pricePerHour} per hour is beyond any machine` };
  return null;
}

/** A share of a sixth is written 0.167 or 0.17. */
const SHARE_TOLERANCE = 0.004;

function countProblem(count: number, sharesAllowed: boolean): string | null {
  if (Number.isInteger(count) && count >= 1) return null;
  if (!(count > 0) || count > 1) return `${count} is no number of devices`;
  if (!sharesAllowed) return `${count} of a device, where no shares are sold`;
  const share = 1 / Math.round(1 / count);
  return Math.abs(count - share) <= SHARE_TOLERANCE ? null : `${count} of a device is no equal share`;
}

function memoryProblem({ accelerator, memoryMiB, cpus }: CatalogOffer): string | null {
  if (!(memoryMiB > 0) || !Number.isFinite(memoryMiB)) return `${memoryMiB} MiB is no memory of a machine`;
  if (!(cpus > 0) || !Number.isFinite(cpus)) return `${cpus} is no number of vCPUs`;
  if (accelerator === null || !accelerator.known || accelerator.memoryMiB === null) return null;
  const sizes = findAccelerator(accelerator.name)?.memorySizesMiB ?? [];
  if (sizes.includes(accelerator.memoryMiB)) return null;
  const known = sizes.map((size) => size / 1024).join(' or ');
  return `${accelerator.name} is made with ${known} GiB, not with ${accelerator.memoryMiB / 1024}`;
}
