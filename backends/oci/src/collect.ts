/** Oracle's public price list as offers. */

import type { CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { BerthError } from '@berth/core/errors';
import { interconnectOf } from './documented-shapes.ts';
import { fetchProducts, fetchShapes, type Shape } from './estimator.ts';
import { flexibleMachines } from './flexible.ts';
import { fixedMachine, gpuMachine, type Machine, type PartPrices, shapeName, Unpriced } from './machine.ts';
import { partPrices } from './part-prices.ts';
import { REGIONS } from './regions.ts';

/**
 * Set where nobody says which regions have the shape. Oracle tells that only to an account
 * (`ListShapes`), and only of the shapes that it may launch.
 */
export const REGION_UNCONFIRMED = 'oci-region-unconfirmed';

/** Half the price. Source: https://docs.oracle.com/en-us/iaas/Content/Compute/Concepts/preemptible.htm */
const PREEMPTIBLE_SHARE = 0.5;

/** Of the shapes that are sold, this share may lack a price before the list counts as broken. */
const MAX_UNPRICED_SHARE = 0.25;

/** @throws BerthError `no-offers`, and `unavailable` when more than a quarter of the shapes has no price */
export async function* collectOci(context: CollectContext<unknown>): AsyncIterable<CollectedOffer> {
  const { http, signal, log } = context;
  const [shapes, products] = await Promise.all([fetchShapes(http, signal), fetchProducts(http, signal)]);
  const prices = partPrices(products);
  const sold = shapes.filter(isSold);
  const machines: Machine[] = [];
  let unpriced = 0;
  for (const shape of sold) {
    const found = machinesOf(shape, prices);
    if (found instanceof Unpriced) {
      unpriced += 1;
      log.skipped(shapeName(shape), found.reason);
    } else {
      machines.push(...found);
    }
  }
  log.progress(`${machines.length} machines of ${sold.length} shapes, ${unpriced} shapes without a price`);
  if (machines.length === 0) {
    throw new BerthError('no-offers', "Oracle's price list has no machine with a price", {
      hint: 'The list may have changed its form; the last good catalog stays in use.',
    });
  }
  if (unpriced > sold.length * MAX_UNPRICED_SHARE) {
    throw new BerthError('unavailable', `Oracle's price list has no price for ${unpriced} of ${sold.length} shapes`, {
      hint: 'The list may have changed its form; the last good catalog stays in use.',
    });
  }
  for (const machine of machines) {
    for (const [region, country] of Object.entries(REGIONS)) yield* offersOf(machine, region, country);
  }
}

/** The estimator also lists containers, databases and shapes that are no longer sold. */
function isSold(shape: Shape): boolean {
  return shape.status === 'ACTIVE' && shape.hidden !== true && /^(?:BM|VM)\./.test(shape.name);
}

function machinesOf(shape: Shape, prices: PartPrices): readonly Machine[] | Unpriced {
  const kind = shape.subType.value;
  if (kind === 'flexible') return flexibleMachines(shape, prices);
  // A device in the name counts as well: a shape with GPUs must not pass for a cheap one without.
  const hasGpu = kind === 'gpu' || (shape.gpuQty ?? 0) > 0 || /\.GPU\d?\./.test(shape.name);
  const machine = hasGpu ? gpuMachine(shape, prices) : fixedMachine(shape, prices);
  return machine instanceof Unpriced ? machine : [machine];
}

function* offersOf(machine: Machine, region: string, country: string): Iterable<CollectedOffer> {
  const { processor, ocpus, memoryGiB, diskTb } = machine;
  const offer = {
    instanceType: machine.instanceType,
    region,
    country,
    cpus: ocpus * processor.vcpusPerOcpu,
    memoryMiB: memoryGiB * 1024,
    cpuArch: processor.arch,
    accelerator: machine.accelerator,
    diskMiB: diskTb === null ? null : Math.floor((diskTb * 1e12) / 2 ** 20),
    interconnect: interconnectOf(machine.shape),
    // Flexible VMs are what every region has; of fixed shapes nobody says where.
    flags: machine.flexible ? [] : [REGION_UNCONFIRMED],
    providerData: machine.flexible ? { shape: machine.shape, flexible: true, ocpus, memoryGiB } : null,
  };
  yield { ...offer, capacityType: 'on-demand', pricePerHour: machine.pricePerHour };
  if (machine.preemptible) {
    yield { ...offer, capacityType: 'spot', pricePerHour: machine.pricePerHour * PREEMPTIBLE_SHARE };
  }
}
