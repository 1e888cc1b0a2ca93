import type { Offer } from '@berth/core';
import type { SimMachine } from './sim-machine.ts';

type Place = Pick<Offer, 'instanceType' | 'region' | 'zone'>;

/** What there is to be had. */
export class SimStock {
  /** Of all types in all places together. */
  capacity = Number.POSITIVE_INFINITY;
  /** By instance type, region, zone, `type@region` or `type@zone`; on top of `capacity`. */
  readonly capacityOf = new Map<string, number>();
  readonly #taken = new Map<string, number>();

  has(place: Place): boolean {
    if (this.#count('') >= this.capacity) return false;
    if (this.capacityOf.size === 0) return true;
    return keysOf(place).every((key) => this.#count(key) < (this.capacityOf.get(key) ?? Number.POSITIVE_INFINITY));
  }

  take(machine: SimMachine): void {
    this.#move(machine, 1);
  }

  giveBack(machine: SimMachine): void {
    this.#move(machine, -1);
  }

  #move(place: Place, by: 1 | -1): void {
    for (const key of ['', ...keysOf(place)]) this.#taken.set(key, this.#count(key) + by);
  }

  #count(key: string): number {
    return this.#taken.get(key) ?? 0;
  }
}

function keysOf({ instanceType, region, zone }: Place): readonly string[] {
  const keys = [instanceType, region, `${instanceType}@${region}`];
  return zone === null ? keys : [...keys, zone, `${instanceType}@${zone}`];
}
