/** Nebius's platforms and presets, each priced by the calculator. */

import type { Collect, CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { BerthError } from '@berth/core/errors';
import { HttpError } from '@berth/http';
import { mapConcurrently } from '@berth/http/concurrency';
import { accessToken } from './access-token.ts';
import type { NebiusCredentials } from './credentials.ts';
import type { Grpc } from './grpc.ts';
import { fabricsOf } from './infiniband.ts';
import { NebiusApi, type Platform, type Preset, type Project } from './nebius-api.ts';
import { countryOf } from './regions.ts';

/** Estimates under way at once. */
const CONCURRENCY = 8;
/** Of all estimates, this share may fail; the rest is told as left out. */
const MAX_FAILED_SHARE = 0.25;

interface Sale {
  readonly project: Project;
  readonly platform: Platform;
  readonly preset: Preset;
  readonly spot: boolean;
}

/** @throws HttpError, and BerthError `no-offers`, or `unavailable` when more than a quarter has no price */
export function collectNebius(open: () => Grpc): Collect<NebiusCredentials> {
  return async function* collect(context) {
    const { signal, log } = context;
    const token = await accessToken(context.credentials, context.http, context.now, signal);
    using grpc = open();
    const api = new NebiusApi(grpc, token);
    const sales = await salesOf(api, context);
    log.progress(`${sales.length} prices to ask for`);
    let failed = 0;
    const offers = await mapConcurrently(
      sales,
      CONCURRENCY,
      async (sale, stop) => {
        try {
          return await offerOf(api, sale, stop);
        } catch (error) {
          // A key that is refused is refused for all.
          if (!(error instanceof HttpError) || error.code === 'auth') throw error;
          failed += 1;
          log.skipped(`${sale.platform.name} ${sale.preset.name} in ${sale.project.region}`, error.message);
          return null;
        }
      },
      signal,
    );
    if (failed > sales.length * MAX_FAILED_SHARE) {
      throw new BerthError('unavailable', `Nebius told no price for ${failed} of ${sales.length} machines`, {
        hint: 'See what was left out for the reasons; the last good catalog stays in use.',
      });
    }
    const sold = offers.filter((offer) => offer !== null);
    if (sold.length === 0) throw new BerthError('no-offers', 'Nebius listed no machine for this account');
    yield* sold;
  };
}

async function salesOf(api: NebiusApi, context: CollectContext<NebiusCredentials>): Promise<readonly Sale[]> {
  const { signal, credentials } = context;
  const tenants = credentials.tenant_id === undefined ? await api.tenants(signal) : [credentials.tenant_id];
  const projects = new Map<string, Project>();
  for (const tenant of tenants) {
    // A project is in one region, and prices are the same for all projects there.
    for (const project of await api.projects(tenant, signal)) {
      if (!projects.has(project.region)) projects.set(project.region, project);
    }
  }
  if (projects.size === 0) {
    throw new BerthError('no-offers', 'this account of Nebius sees no project', {
      hint: 'Add the service account to the group "viewers" of the tenant.',
    });
  }
  const sales: Sale[] = [];
  for (const project of projects.values()) {
    for (const platform of await api.platforms(project.id, signal)) {
      for (const preset of platform.presets) {
        sales.push({ project, platform, preset, spot: false });
        if (platform.preemptible) sales.push({ project, platform, preset, spot: true });
      }
    }
  }
  return sales;
}

async function offerOf(api: NebiusApi, sale: Sale, signal: AbortSignal): Promise<CollectedOffer> {
  const { project, platform, preset, spot } = sale;
  const pricePerHour = await api.hourlyCost(project.id, platform.name, preset.name, spot, signal);
  if (!(pricePerHour > 0))
    throw new HttpError('unknown', `its price is ${pricePerHour}`, { status: null, retryAfterMs: null });
  const fabrics = preset.clustering ? fabricsOf(platform.name, project.region) : [];
  return {
    instanceType: `${platform.name} ${preset.name}`,
    region: project.region,
    country: countryOf(project.region),
    capacityType: spot ? 'spot' : 'on-demand',
    pricePerHour,
    cpus: preset.cpus,
    memoryMiB: preset.memoryGiB * 1024,
    accelerator:
      preset.gpus === 0
        ? null
        : {
            label: gpuLabel(platform.name),
            count: preset.gpus,
            memoryMiB: platform.gpuMemoryGb > 0 ? platform.gpuMemoryGb * 1024 : null,
          },
    interconnect: preset.clustering ? 'InfiniBand' : null,
    providerData: { platform: platform.name, preset: preset.name, ...(fabrics.length > 0 && { fabrics }) },
  };
}

/** Nebius calls the RTX PRO 6000 by the name of a device of 2018. */
const LABELS: Readonly<Record<string, string>> = { rtx6000: 'RTX PRO 6000' };

/** `gpu-b200-sxm-a` → `b200-sxm`: the last letter is the machine around it. */
export function gpuLabel(platform: string): string {
  const device = platform.replace(/^gpu-/, '').replace(/-[a-z]$/, '');
  return LABELS[device] ?? device;
}
