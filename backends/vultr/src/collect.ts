import { BackendError } from '@berth/backend/backend-error';
import type { CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { devicesOf } from './devices.ts';
import { allPages } from './pages.ts';
import { MetalPlan, Plan, Region } from './plans.ts';

const GIB = 1024;
/** Disks of bare metal are sold in GB of a thousand each. */
const MIB_PER_GB = 1e9 / 1024 ** 2;

/** Every plan of Vultr in every region where it is sold, on demand and preemptible. */
export async function* collectVultr(context: CollectContext<unknown>): AsyncGenerator<CollectedOffer> {
  const { log } = context;
  const regions = await allPages(context, 'regions', 'regions', Region);
  const countries = new Map(regions.map(({ id, country }) => [id, country]));
  const plans = await allPages(context, 'plans', 'plans', Plan, { type: 'all' });
  log.progress(`${plans.length} plans of virtual machines`);
  const metal = await allPages(context, 'plans-metal', 'plans_metal', MetalPlan);
  log.progress(`${metal.length} plans of bare metal`);
  const shapes = [
    ...plans.map((plan) => ({ plan, ...virtual(plan) })),
    ...metal.map((plan) => ({ plan, ...bare(plan) })),
  ];
  let found = 0;
  for (const { plan, ...shape } of shapes) {
    for (const price of pricesOf(plan, log)) {
      found += 1;
      yield { instanceType: plan.id, country: countries.get(price.region) ?? null, ...shape, ...price };
    }
  }
  if (found === 0) throw new BackendError('unknown', 'Vultr listed no offers', { scope: 'cloud' });
}

type Shape = Pick<CollectedOffer, 'cpus' | 'memoryMiB' | 'diskMiB' | 'accelerator'>;

function virtual(plan: Plan): Shape {
  const disks = plan.disk_count || 1;
  return { cpus: plan.vcpu_count, memoryMiB: plan.ram, diskMiB: plan.disk * disks * GIB, accelerator: devicesOf(plan) };
}

function bare(plan: MetalPlan): Shape {
  const diskMiB = Math.floor(plan.disk * (plan.disk_count || 1) * MIB_PER_GB);
  return { cpus: plan.cpu_threads, memoryMiB: plan.ram, diskMiB, accelerator: devicesOf(plan) };
}

type Price = Pick<CollectedOffer, 'region' | 'capacityType' | 'pricePerHour'>;

function* pricesOf(plan: Plan | MetalPlan, log: CollectContext<unknown>['log']): Generator<Price> {
  const locations = plan.locations.filter((region) => region !== '');
  if (locations.length === 0) log.skipped(plan.id, 'no region has it at present');
  const elsewhere = Array.isArray(plan.location_cost) ? {} : (plan.location_cost ?? {});
  let priced = false;
  for (const region of locations) {
    const { hourly_cost, hourly_cost_preemptible } = elsewhere[region] ?? plan;
    if (plan.deploy_ondemand !== false && hourly_cost > 0) {
      priced = true;
      yield { region, capacityType: 'on-demand', pricePerHour: hourly_cost };
    }
    const spot = hourly_cost_preemptible ?? 0;
    // Every plan has this price; where it is not said whether it can be had, one below the other says so.
    if (spot > 0 && (plan.deploy_preemptible ?? spot < hourly_cost)) {
      priced = true;
      yield { region, capacityType: 'spot', pricePerHour: spot };
    }
  }
  if (!priced && locations.length > 0) log.skipped(plan.id, 'it has no price at which it can be had');
}
