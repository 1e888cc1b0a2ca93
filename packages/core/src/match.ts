/** Does what a cloud sells (or a machine that we hold) fit what a workload asks for? Pure. */

import { findAccelerator } from './accelerators.ts';
import { explainMisfit, MISFIT_KINDS, type Misfit, type MisfitKind } from './misfit.ts';
import type { AcceleratorCount, GpuRequirement, Offer, Range, Requirements } from './offer.ts';

/** What is matched: an offer without its identity and availability, or an instance. */
export type MatchCandidate = Pick<
  Offer,
  | 'backend'
  | 'region'
  | 'zone'
  | 'instanceType'
  | 'capacityType'
  | 'pricePerHour'
  | 'resources'
  | 'lacks'
  | 'reservation'
>;

export type MatchResult = { readonly fits: true } | { readonly fits: false; readonly because: string };

/** The first thing that does not fit, or null. */
export type Matcher = (candidate: MatchCandidate) => Misfit | null;

/**
 * Whether a candidate fits, and if not, the first reason in words. Availability is no part of it:
 * an offer that is out of stock fits, is shown, and is not chosen.
 */
export function matches(requirements: Requirements, candidate: MatchCandidate): MatchResult {
  const misfit = matcher(requirements)(candidate);
  return misfit === null ? { fits: true } : { fits: false, because: explainMisfit(misfit, requirements) };
}

/**
 * Prepares requirements for matching many candidates. What is not known about a candidate (a number
 * that is none, a device without memory) never satisfies a requirement on it.
 */
export function matcher(requirements: Requirements): Matcher {
  const backends = wordSet(requirements.backends);
  const regions = wordSet(requirements.regions);
  const zones = wordSet(requirements.zones);
  const instanceTypes = wordSet(requirements.instanceTypes);
  const { capacityTypes, cpuArch, cpu, memoryMiB, diskMiB, maxPricePerHour, reservation } = requirements;
  const gpuMisfit = requirements.gpu === null ? null : gpuMatcher(requirements.gpu);

  return (candidate) => {
    if (backends !== null && !has(backends, candidate.backend)) return named('backend', candidate.backend);
    const lacking = candidate.lacks?.[0];
    if (lacking !== undefined) return named('facet', `${candidate.backend} has no ${lacking} (facet)`);
    if (reservation !== undefined && candidate.reservation !== reservation) {
      return named('reservation', candidate.reservation ?? null);
    }
    if (regions !== null && !has(regions, candidate.region)) return named('region', candidate.region);
    if (zones !== null && (candidate.zone === null || !has(zones, candidate.zone)))
      return named('zone', candidate.zone);
    if (instanceTypes !== null && !has(instanceTypes, candidate.instanceType)) {
      return named('instance-type', candidate.instanceType);
    }
    if (!capacityTypes.includes(candidate.capacityType)) return named('capacity-type', candidate.capacityType);
    const { resources, pricePerHour } = candidate;
    if (gpuMisfit !== null) {
      const misfit = gpuMisfit(resources.accelerators);
      if (misfit !== null) return misfit;
    }
    if (cpuArch !== null && resources.cpuArch !== cpuArch) return named('cpu-arch', resources.cpuArch);
    return (
      outside('cpus', resources.cpus, cpu) ??
      outside('memory', resources.memoryMiB, memoryMiB) ??
      (diskMiB === null ? null : outside('disk', resources.diskMiB, diskMiB)) ??
      priceMisfit(pricePerHour, maxPricePerHour)
    );
  };
}

/** A price that is none, or below zero, is not known: it can be neither compared nor billed. */
function priceMisfit(price: number, max: number | null): Misfit | null {
  if (!(price >= 0) || price === Number.POSITIVE_INFINITY) return { kind: 'price', have: null, side: null };
  return max !== null && price > max ? { kind: 'price', have: price, side: 'above' } : null;
}

function gpuMatcher(gpu: GpuRequirement): (accelerators: readonly AcceleratorCount[]) => Misfit | null {
  const { memoryMiB, totalMemoryMiB, count } = gpu;
  const names = wordSet(gpu.names);
  // Asking for a GPU means at least one, unless the configuration says that none will do.
  const wanted: Range = { min: count.min ?? 1, max: count.max };

  const deviceMisfit = (device: AcceleratorCount): Misfit | null => {
    if (gpu.vendor !== null && device.vendor !== gpu.vendor) return named('gpu-vendor', device.vendor);
    if (names !== null && !has(names, device.name)) return named('gpu-name', device.name);
    if (memoryMiB !== null) {
      const misfit = outside('gpu-memory', known(device.memoryMiB), memoryMiB);
      if (misfit !== null) return misfit;
    }
    return gpu.computeCapability === null ? null : capabilityMisfit(device, gpu.computeCapability);
  };

  return (accelerators) => {
    let devices = 0;
    let totalMiB = 0;
    let any = false;
    let nearest: Misfit | null = null;
    for (const device of accelerators) {
      if (!(device.count > 0)) continue;
      any = true;
      const misfit = deviceMisfit(device);
      if (misfit === null) {
        devices += device.count;
        totalMiB += device.count * known(device.memoryMiB);
      } else {
        nearest = nearest === null ? misfit : nearer(nearest, misfit);
      }
    }
    if (devices === 0) {
      if (any) return nearest;
      return wanted.min === 0 ? null : { kind: 'gpu', have: null, side: null };
    }
    return (
      outside('gpu-count', devices, wanted) ??
      (totalMemoryMiB === null ? null : outside('gpu-total-memory', totalMiB, totalMemoryMiB))
    );
  };
}

/** Of two devices of a host, the one that came further through the checks. */
function nearer(a: Misfit, b: Misfit): Misfit {
  return MISFIT_KINDS.indexOf(b.kind) > MISFIT_KINDS.indexOf(a.kind) ? b : a;
}

/** Sources say 0 where they do not know the memory of a device. */
function known(memoryMiB: number): number {
  return memoryMiB > 0 ? memoryMiB : Number.NaN;
}

function capabilityMisfit(device: AcceleratorCount, least: readonly [number, number]): Misfit | null {
  const capability = device.known ? (findAccelerator(device.name)?.computeCapability ?? null) : null;
  if (capability === null) return { kind: 'compute-capability', have: null, side: null };
  const [major, minor] = capability;
  if (major > least[0] || (major === least[0] && minor >= least[1])) return null;
  return { kind: 'compute-capability', have: `${major}.${minor}`, side: null };
}

/** Null: within the range. A value that is no number is never within, whatever the range. */
function outside(kind: MisfitKind, value: number, range: Range): Misfit | null {
  if (Number.isNaN(value)) return { kind, have: null, side: null };
  if (range.min !== null && value < range.min) return { kind, have: value, side: 'below' };
  if (range.max !== null && value > range.max) return { kind, have: value, side: 'above' };
  return null;
}

function named(kind: MisfitKind, have: string | null): Misfit {
  return { kind, have, side: null };
}

/** Letter case does not count in what people write. */
function wordSet(words: readonly string[] | null): ReadonlySet<string> | null {
  return words === null ? null : new Set(words.flatMap((word) => [word, word.toLowerCase()]));
}

function has(words: ReadonlySet<string>, word: string): boolean {
  return words.has(word) || words.has(word.toLowerCase());
}
