import { type Offer, offerId } from '@berth/core';

/** An offer with everything that is not said: four CPUs for a dollar. */
export function simOffer(offer: Partial<Offer> = {}): Offer {
  const full: Offer = {
    id: '',
    backend: 'sim',
    instanceType: 'small',
    region: 'r1',
    zone: null,
    capacityType: 'on-demand',
    pricePerHour: 1,
    availability: 'available',
    resources: { cpus: 4, cpuArch: 'x86', memoryMiB: 16384, diskMiB: 102400, accelerators: [] },
    ...offer,
  };
  return { ...full, id: offerId(full) };
}
