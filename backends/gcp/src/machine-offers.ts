import { deviceOf } from './devices.ts';
/** A machine type in a zone as offers: with each number of GPUs, on each of the terms it is sold on. */

import type { CollectLog } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { attachmentsOf } from './attachable-gpus.ts';
import type { MachineType } from './compute-engine.ts';
import {
  archOf,
  bundledSsdGiB,
  consumptionOf,
  gpuEighths,
  interconnectOf,
  isRenamed,
  sharedCpus,
} from './machine-families.ts';
import { type Bill, machinePrice, type Price } from './machine-price.ts';
import type { Rates } from './rates.ts';
import { countryOf } from './regions.ts';
import { TERMS, type Terms } from './sku.ts';
import { CAPACITY, type Capacity, RESERVATION } from './terms.ts';
import { tpuMachine, tpuRate } from './tpu-versions.ts';

export interface Place {
  readonly region: string;
  readonly zone: string;
  /** Types of GPU that may be attached there → the most on one machine. */
  readonly attachable: ReadonlyMap<string, number>;
}

/** Counts what was found, and tells each gap once for a region, not once for each of its zones. */
export class MachineOffers {
  readonly #rates: Rates;
  readonly #log: CollectLog;
  readonly #told = new Set<string>();
  readonly #priced = new Set<string>();
  readonly #unpriced = new Set<string>();

  constructor(rates: Rates, log: CollectLog) {
    this.#rates = rates;
    this.#log = log;
  }

  /** Types, counted once in each region, with a price on some terms, and without. */
  get counts(): { readonly priced: number; readonly unpriced: number } {
    return { priced: this.#priced.size, unpriced: this.#unpriced.size };
  }

  *of(machine: MachineType, place: Place): Generator<CollectedOffer, void, undefined> {
    const { name } = machine;
    if (isRenamed(name)) return this.#skip(name, 'it is listed under its new name');
    const tpu = tpuMachine(name);
    if (tpu !== null) return yield* this.#tpuOffers(machine, tpu, place);
    const [own, ...others] = machine.accelerators ?? [];
    if (others.length > 0) return this.#skip(name, 'it has devices of several kinds');
    const eighths = gpuEighths(name);
    let gpus: readonly Bill['gpu'][];
    if (eighths !== null) gpus = [{ type: 'nvidia-rtx-pro-6000', count: eighths / 8 }];
    else if (own !== undefined) gpus = [{ type: own.guestAcceleratorType, count: own.guestAcceleratorCount }];
    else gpus = [null, ...attachmentsOf(name, machine.guestCpus, machine.memoryMb, place.attachable)];
    let found = false;
    for (const gpu of gpus) {
      for (const offer of this.#gpuOffers(machine, gpu, place)) {
        found = true;
        yield offer;
      }
    }
    this.#count(`${name} in ${place.region}`, found);
  }

  *#gpuOffers(machine: MachineType, gpu: Bill['gpu'], place: Place): Generator<CollectedOffer, void, undefined> {
    const { name, memoryMb } = machine;
    const cpus = sharedCpus(name) ?? machine.guestCpus;
    const ssdGiB = bundledSsdGiB(name, machine.bundledLocalSsds?.partitionCount);
    const bill = { type: name, cpus, memoryMiB: memoryMb, ssdGiB, gpu };
    for (const terms of TERMS) {
      const capacity = capacityOf(name, terms);
      if (capacity === null) continue;
      const price = machinePrice(bill, place.region, terms, this.#rates);
      if (price.kind !== 'price') {
        this.#tell(bill, place.region, terms, price);
        continue;
      }
      yield {
        ...this.#basics(machine, place),
        ...capacity,
        pricePerHour: price.perHour,
        cpus,
        accelerator: gpu === null ? null : deviceOf(gpu.type, gpu.count),
        diskMiB: ssdGiB === 0 ? null : ssdGiB * 1024,
        providerData: cpus === machine.guestCpus ? null : { guestCpus: machine.guestCpus },
      };
    }
  }

  *#tpuOffers(
    machine: MachineType,
    tpu: { readonly version: string; readonly chips: number },
    place: Place,
  ): Generator<CollectedOffer, void, undefined> {
    let found = false;
    for (const terms of TERMS) {
      const perChip = tpuRate(this.#rates, place.region, terms, tpu.version, tpu.chips);
      if (perChip === null) continue;
      found = true;
      const { capacityType, flags } = CAPACITY[terms];
      yield {
        ...this.#basics(machine, place),
        capacityType,
        flags: [...flags, TPU_MACHINE],
        pricePerHour: perChip * tpu.chips,
        cpus: machine.guestCpus,
        accelerator: { label: tpu.version, count: tpu.chips },
      };
    }
    this.#count(`${machine.name} in ${place.region}`, found);
    if (!found) this.#skip(`${machine.name} in ${place.region}`, 'its TPUs have no price there');
  }

  #basics(machine: MachineType, place: Place) {
    return {
      instanceType: machine.name,
      region: place.region,
      zone: place.zone,
      country: countryOf(place.region),
      memoryMiB: machine.memoryMb,
      cpuArch: archOf(machine.name, machine.architecture),
      interconnect: interconnectOf(machine.name),
    };
  }

  /** A type that is not sold as spot or by the scheduler is nothing to tell; one without a price at all is. */
  #tell(bill: Bill, region: string, terms: Terms, price: Exclude<Price, { kind: 'price' }>): void {
    if (price.kind === 'not-sold' && terms !== 'on-demand') return;
    const gpu = bill.gpu === null ? '' : ` with ${bill.gpu.count} ${bill.gpu.type}`;
    const missing = price.kind === 'not-sold' ? 'CPUs and memory' : price.missing;
    this.#skip(`${bill.type}${gpu}, ${terms}, in ${region}`, `no price for ${missing}`);
  }

  #count(what: string, found: boolean): void {
    (found ? this.#priced : this.#unpriced).add(what);
  }

  #skip(what: string, reason: string): void {
    const text = `${what}: ${reason}`;
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.#log.skipped(what, reason);
  }
}

/** A machine type with TPUs, as GKE and Compute Engine create them; the TPU API calls the same chips a slice. */
const TPU_MACHINE = 'gcp-tpu-machine';

function capacityOf(type: string, terms: Terms): Capacity | null {
  if (terms !== 'on-demand') return CAPACITY[terms];
  const consumption = consumptionOf(type);
  if (consumption === 'none') return null;
  return consumption === 'reservation' ? { capacityType: 'reserved', flags: [RESERVATION] } : CAPACITY[terms];
}
