import { type Offer, offerId } from '@berth/core';
import type { Host } from './detect/host.ts';
import { freeDevices, instanceTypes } from './instance-types.ts';

/** There is one region, and it has no zones. */
export const REGION = 'local';

export interface Occupation {
  /** Instances on the books of this backend, those on their way out included. */
  readonly instances: number;
  readonly heldDevices: ReadonlySet<string>;
  /** False: a record cannot be read, so which devices are free is not known. */
  readonly devicesKnown: boolean;
  /** Internal addresses that instances have. */
  readonly addresses: ReadonlySet<string>;
}

export interface LocalOfferOptions {
  readonly backend: string;
  readonly pricePerHour: number;
  readonly maxInstances: number;
}

/** Offers of this machine, those that are not available now included: a plan says so, instead of "no offers". */
export function localOffers(host: Host, occupation: Occupation, options: LocalOfferOptions): readonly Offer[] {
  const full = occupation.instances >= options.maxInstances;
  return instanceTypes(host).map((type) => {
    const blocked = type.gpus !== null && !occupation.devicesKnown;
    const available = !full && !blocked && freeDevices(type, occupation.heldDevices) !== null;
    const identity = {
      backend: options.backend,
      instanceType: type.name,
      region: REGION,
      zone: null,
      capacityType: 'on-demand',
    } as const;
    return {
      id: offerId(identity),
      ...identity,
      pricePerHour: options.pricePerHour,
      availability: available ? 'available' : 'not-available',
      resources: type.resources,
    };
  });
}
