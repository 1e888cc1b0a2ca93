/** From what a source says to an offer: canonical names, snapped memory, an id; or the reason why not. */

import { knownMemory, snapMemory } from '@berth/core/accelerator';
import { resolveAccelerator } from '@berth/core/accelerators';
import { type CatalogAccelerator, type CatalogOffer, catalogOfferId } from './catalog-offer.ts';
import type { CollectedAccelerator, CollectedOffer } from './collected-offer.ts';

export interface NormalizeOptions {
  /** Type of the backend that sells it. */
  readonly backend: string;
  /** Who says so; the backend's type unless it came by another way. */
  readonly source: string;
  /** Milliseconds since 1970. */
  readonly collectedAt: number;
}

export type Normalized =
  | {
      readonly ok: true;
      readonly offer: CatalogOffer;
      /** The label that the registry could not read; the offer is kept with it. */
      readonly unmapped: string | null;
    }
  | { readonly ok: false; readonly reason: string };

/** Numbers that are none, and texts that are empty, make no offer. Whether it is plausible is asked elsewhere. */
export function normalizeOffer(collected: CollectedOffer, options: NormalizeOptions): Normalized {
  const reason = misshapen(collected);
  if (reason !== null) return { ok: false, reason };
  const device = collected.accelerator == null ? null : normalizeAccelerator(collected.accelerator);
  const identity = {
    backend: options.backend,
    instanceType: collected.instanceType,
    region: collected.region,
    zone: collected.zone || null,
    capacityType: collected.capacityType,
    accelerator: device?.accelerator ?? null,
    flags: collected.flags === undefined ? [] : [...new Set(collected.flags)].sort(),
  };
  const offer: CatalogOffer = {
    id: catalogOfferId(identity),
    ...identity,
    country: countryOf(collected.country),
    pricePerHour: collected.pricePerHour,
    cpus: collected.cpus,
    memoryMiB: collected.memoryMiB,
    cpuArch: collected.cpuArch ?? device?.hostArch ?? 'x86',
    diskMiB: known(collected.diskMiB),
    interconnect: collected.interconnect || null,
    networkGbps: known(collected.networkGbps),
    providerData: collected.providerData ?? null,
    availability: collected.availability ?? 'unknown',
    source: options.source,
    collectedAt: options.collectedAt,
  };
  return { ok: true, offer, unmapped: device?.unmapped ?? null };
}

/** Null for what is no code of two letters. Clouds also write `UK`, which ISO 3166 keeps free beside GB. */
function countryOf(told: string | null | undefined): string | null {
  const code = told?.toUpperCase() ?? '';
  if (code === 'UK') return 'GB';
  return /^[A-Z]{2}$/.test(code) ? code : null;
}

function misshapen(offer: CollectedOffer): string | null {
  if (offer.instanceType === '') return 'the instance type has no name';
  if (offer.region === '') return 'the region has no name';
  if (!(offer.pricePerHour > 0) || !Number.isFinite(offer.pricePerHour)) {
    return `the price is ${offer.pricePerHour}, which is no price per hour`;
  }
  if (!(offer.cpus > 0) || !Number.isFinite(offer.cpus)) return `${offer.cpus} is no number of vCPUs`;
  if (!(offer.memoryMiB > 0) || !Number.isFinite(offer.memoryMiB)) return `${offer.memoryMiB} MiB is no memory`;
  const { accelerator } = offer;
  if (accelerator == null) return null;
  if (accelerator.label.trim() === '') return 'the accelerator has no name';
  const { count } = accelerator;
  return count > 0 && Number.isFinite(count) ? null : `${count} is no number of accelerators`;
}

interface Device {
  readonly accelerator: CatalogAccelerator;
  readonly hostArch: CatalogOffer['cpuArch'] | null;
  readonly unmapped: string | null;
}

function normalizeAccelerator(collected: CollectedAccelerator): Device {
  const label = collected.label.trim();
  const reported = known(collected.memoryMiB);
  const registered = resolveAccelerator(label);
  if (registered === null) {
    const accelerator = {
      name: label,
      vendor: collected.vendor ?? null,
      known: false,
      count: collected.count,
      memoryMiB: reported,
      formFactor: collected.formFactor ?? null,
    };
    return { accelerator, hostArch: null, unmapped: label };
  }
  // A slice of TPUs is one label for all of its chips.
  const count = collected.count * (registered.count ?? 1);
  const accelerator = {
    name: registered.name,
    vendor: registered.vendor,
    known: true,
    count,
    memoryMiB: memoryOf(registered, reported),
    formFactor: collected.formFactor ?? registered.formFactor,
  };
  return { accelerator, hostArch: registered.hostArch, unmapped: null };
}

/** What was reported, snapped; else what the label says; else the only size there is. */
function memoryOf(
  registered: NonNullable<ReturnType<typeof resolveAccelerator>>,
  reported: number | null,
): number | null {
  if (reported !== null) return knownMemory(registered, reported) ?? snapMemory(registered, reported);
  if (registered.memoryMiB !== null) return registered.memoryMiB;
  return registered.memorySizesMiB.length === 1 ? (registered.memorySizesMiB[0] ?? null) : null;
}

/** Sources write 0 for what they do not know. */
function known(value: number | null | undefined): number | null {
  return value !== null && value !== undefined && value > 0 && Number.isFinite(value) ? value : null;
}
