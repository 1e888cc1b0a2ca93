/** What a simulated cloud has besides machines: disks, placement groups, networks, reservations, images. */
import type { CpuArch } from '@berth/core';
import { ApiError } from './api-error.ts';
import type { SimCloud, SimLaunch } from './sim-cloud.ts';
import type { SimMachine } from './sim-machine.ts';

/** A disk, a placement group or a network: a thing with a name, tags and a region. */
export interface SimPart {
  readonly cloudId: string;
  readonly clientToken: string | null;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly region: string;
}

export interface SimVolume extends SimPart {
  readonly zone: string | null;
  readonly sizeMiB: number;
  attachedTo: string | null;
}

export interface SimReservation {
  readonly cloudId: string;
  readonly instanceType: string;
  readonly region: string;
  readonly zone: string | null;
  readonly total: number;
}

export type NewPart = Omit<SimPart, 'cloudId'>;

export class SimParts {
  readonly volumes = new Map<string, SimVolume>();
  readonly groups = new Map<string, SimPart>();
  readonly networks = new Map<string, SimPart>();
  readonly reservations = new Map<string, SimReservation>();
  readonly #cloud: SimCloud;
  #serial = 0;

  constructor(cloud: SimCloud) {
    this.#cloud = cloud;
  }

  /** One with the same token, in the same region, is the same. */
  addVolume(volume: NewPart & Pick<SimVolume, 'zone' | 'sizeMiB'>): SimVolume {
    return this.#add(this.volumes, 'vol', volume, (cloudId) => ({ ...volume, cloudId, attachedTo: null }));
  }

  addGroup(group: NewPart): SimPart {
    return this.#add(this.groups, 'grp', group, (cloudId) => ({ ...group, cloudId }));
  }

  /** A region has one network of a name. */
  addNetwork(network: NewPart): SimPart {
    const twin = [...this.networks.values()].find((n) => n.region === network.region && n.name === network.name);
    return twin ?? this.#add(this.networks, 'net', network, (cloudId) => ({ ...network, cloudId }));
  }

  addReservation(reservation: Omit<SimReservation, 'cloudId'>): SimReservation {
    const added = { ...reservation, cloudId: `${this.#cloud.name}-res-${++this.#serial}` };
    this.reservations.set(added.cloudId, added);
    return added;
  }

  /** @throws ApiError `not-found` */
  volume(volumeId: string, region: string): SimVolume {
    const volume = this.volumes.get(volumeId);
    if (volume?.region !== region) throw new ApiError('not-found', `there is no disk ${volumeId} in ${region}`);
    return volume;
  }

  /** @throws ApiError `not-found`, `in-use` */
  attach(volumeId: string, machineId: string): void {
    const volume = this.volumes.get(volumeId);
    if (volume === undefined || this.#cloud.machine(machineId)?.goneAt !== null) {
      throw new ApiError('not-found', 'there is no such disk or machine');
    }
    if (volume.attachedTo !== null && volume.attachedTo !== machineId) {
      throw new ApiError('in-use', 'the disk is attached to another machine');
    }
    volume.attachedTo = machineId;
  }

  detach(volumeId: string, machineId: string): void {
    const volume = this.volumes.get(volumeId);
    if (volume?.attachedTo === machineId) volume.attachedTo = null;
  }

  deleteVolume(volumeId: string): void {
    const volume = this.volumes.get(volumeId);
    if (volume?.attachedTo != null) throw new ApiError('in-use', 'the disk is attached');
    this.volumes.delete(volumeId);
  }

  deleteGroup(groupId: string): void {
    if (this.#cloud.alive.some((machine) => machine.placementGroup === groupId)) {
      throw new ApiError('in-use', 'machines are in the group');
    }
    this.groups.delete(groupId);
  }

  deleteNetwork(networkId: string): void {
    const network = this.networks.get(networkId);
    if (network === undefined) return;
    if (this.#cloud.alive.some((machine) => machine.region === network.region)) {
      throw new ApiError('in-use', 'machines are in the network');
    }
    this.networks.delete(networkId);
  }

  /** The one image of a region and an architecture. */
  image(region: string, cpuArch: CpuArch): string {
    return `${this.#cloud.name}-img-${region}-${cpuArch}`;
  }

  /** What a launch names must be there. @throws ApiError */
  mustFit({ placementGroup, reservation, network, offer }: SimLaunch): void {
    if (placementGroup != null && this.groups.get(placementGroup)?.region !== offer.region) {
      throw new ApiError('invalid', 'there is no such placement group in this region');
    }
    if (network != null && this.networks.get(network)?.region !== offer.region) {
      throw new ApiError('invalid', 'there is no such network in this region');
    }
    if (reservation == null) return;
    const reserved = this.reservations.get(reservation);
    if (reserved?.instanceType !== offer.instanceType || reserved.region !== offer.region) {
      throw new ApiError('invalid', 'there is no such reservation of this type here');
    }
    if (this.#usersOf(reservation) >= reserved.total) throw new ApiError('out-of-stock', 'the reservation is used up');
  }

  machineGone(machine: SimMachine): void {
    for (const volume of this.volumes.values()) {
      if (volume.attachedTo === machine.cloudId) volume.attachedTo = null;
    }
  }

  freeOf(reservation: SimReservation): number {
    return reservation.total - this.#usersOf(reservation.cloudId);
  }

  #usersOf(reservation: string): number {
    return this.#cloud.alive.filter((machine) => machine.reservation === reservation).length;
  }

  #add<P extends SimPart>(to: Map<string, P>, prefix: string, part: NewPart, make: (cloudId: string) => P): P {
    const { clientToken, region } = part;
    if (clientToken !== null) {
      for (const known of to.values()) {
        if (known.clientToken === clientToken && known.region === region) return known;
      }
    }
    const cloudId = `${this.#cloud.name}-${prefix}-${++this.#serial}`;
    const made = make(cloudId);
    to.set(cloudId, made);
    return made;
  }
}
