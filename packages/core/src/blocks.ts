/** A block is an equal share of an instance, so that several jobs fit on one. */

import type { MatchCandidate } from './match.ts';
import type { InstanceResources } from './offer.ts';

/** The resources of some of an instance's blocks; devices and MiB are whole, CPUs may be a fraction. */
export function resourcesOfBlocks(
  resources: InstanceResources,
  blocks: number,
  totalBlocks: number,
): InstanceResources {
  if (blocks === totalBlocks) return resources;
  const share = (amount: number) => (amount * blocks) / totalBlocks;
  return {
    cpus: share(resources.cpus),
    cpuArch: resources.cpuArch,
    memoryMiB: Math.floor(share(resources.memoryMiB)),
    diskMiB: Math.floor(share(resources.diskMiB)),
    accelerators: resources.accelerators
      .map((device) => ({ ...device, count: Math.floor(share(device.count)) }))
      .filter((device) => device.count > 0),
  };
}

/** An instance as far as some of its blocks go, at their share of its price. */
export function candidateOfBlocks(candidate: MatchCandidate, blocks: number, totalBlocks: number): MatchCandidate {
  if (blocks === totalBlocks) return candidate;
  const { backend, region, zone, instanceType, capacityType, pricePerHour, resources, reservation } = candidate;
  return {
    backend,
    region,
    zone,
    instanceType,
    capacityType,
    pricePerHour: (pricePerHour * blocks) / totalBlocks,
    resources: resourcesOfBlocks(resources, blocks, totalBlocks),
    ...(reservation === undefined ? {} : { reservation }),
  };
}
