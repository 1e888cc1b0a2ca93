/** Slices of the Cloud TPU API as offers. */

import type { CollectLog } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { BerthError } from '@berth/core/errors';
import { HttpError } from '@berth/http';
import { mapConcurrently } from '@berth/http/concurrency';
import { z } from 'zod';
import type { GoogleApi } from './google-api.ts';
import type { Rates } from './rates.ts';
import { countryOf } from './regions.ts';
import { TERMS } from './sku.ts';
import { CAPACITY } from './terms.ts';
import { type Slice, sliceOf, tpuRate } from './tpu-versions.ts';

const TPU = 'https://tpu.googleapis.com/v2/projects';

/** The machine is several: each host runs its own part of the job. */
const MULTI_HOST = 'gcp-tpu-multi-host';

/** At most this share of the locations may fail; the rest is told as left out. */
const MAX_FAILED_SHARE = 0.25;
const CONCURRENCY = 8;
const REGION_LABEL = 'cloud.googleapis.com/region';

/** Source: https://cloud.google.com/tpu/docs/reference/rest/v2/projects.locations/list */
const LocationPage = z.object({
  locations: z
    .array(z.object({ locationId: z.string(), labels: z.record(z.string(), z.string()).optional() }))
    .optional(),
  nextPageToken: z.string().optional(),
});

/** Source: https://cloud.google.com/tpu/docs/reference/rest/v2/projects.locations.acceleratorTypes/list */
const TypePage = z.object({
  acceleratorTypes: z
    .array(
      z.object({
        type: z.string(),
        acceleratorConfigs: z.array(z.object({ topology: z.string().optional() })).optional(),
      }),
    )
    .optional(),
  nextPageToken: z.string().optional(),
});

interface TpuType {
  readonly zone: string;
  readonly region: string;
  readonly slice: Slice;
  readonly type: string;
  readonly topology: string | null;
}

export interface TpuContext {
  readonly api: GoogleApi;
  readonly project: string;
  readonly rates: Rates;
  /** Zone → region; zones with TPUs alone are not among them. */
  readonly regions: ReadonlyMap<string, string>;
  readonly log: CollectLog;
}

/** @throws BerthError `unavailable` when more than a quarter of the locations does not answer */
export async function* tpuOffers(context: TpuContext, signal: AbortSignal): AsyncGenerator<CollectedOffer, void> {
  const { rates, log } = context;
  const told = new Set<string>();
  for (const tpu of await fetchTypes(context, signal)) {
    let found = false;
    for (const terms of TERMS) {
      const perChip = tpuRate(rates, tpu.region, terms, tpu.slice.version, tpu.slice.chips);
      if (perChip === null) continue;
      found = true;
      yield offerOf(tpu, perChip, terms);
    }
    const what = `${tpu.slice.version} in ${tpu.region}`;
    if (!found && !told.has(what)) {
      told.add(what);
      log.skipped(what, 'its TPUs have no price there');
    }
  }
}

function offerOf(tpu: TpuType, perChip: number, terms: (typeof TERMS)[number]): CollectedOffer {
  const { slice } = tpu;
  const { capacityType, flags } = CAPACITY[terms];
  return {
    instanceType: tpu.type,
    region: tpu.region,
    zone: tpu.zone,
    country: countryOf(tpu.region),
    capacityType,
    flags: slice.hosts > 1 ? [...flags, MULTI_HOST] : flags,
    pricePerHour: perChip * slice.chips,
    cpus: slice.cpus,
    memoryMiB: slice.memoryGiB * 1024,
    // The version, not the slice: a slice's name would count its chips once more.
    accelerator: { label: slice.version, count: slice.chips },
    interconnect: slice.hosts > 1 ? 'ICI' : null,
    providerData: { chips: slice.chips, hosts: slice.hosts, topology: tpu.topology },
  };
}

async function fetchTypes(context: TpuContext, signal: AbortSignal): Promise<readonly TpuType[]> {
  const { log } = context;
  const locations: { readonly zone: string; readonly region: string }[] = [];
  for await (const page of context.api.pages(`${TPU}/${context.project}/locations`, {}, LocationPage, signal)) {
    for (const { locationId, labels } of page.locations ?? []) {
      const region = context.regions.get(locationId) ?? labels?.[REGION_LABEL];
      if (region === undefined) log.skipped(`TPUs in ${locationId}`, 'nobody says which region it is in');
      else locations.push({ zone: locationId, region });
    }
  }
  let failed = 0;
  const found = await mapConcurrently(
    locations,
    CONCURRENCY,
    async (location, stop) => {
      try {
        return await typesIn(context, location, stop);
      } catch (error) {
        if (!(error instanceof HttpError)) throw error;
        failed += 1;
        log.skipped(`TPUs in ${location.zone}`, error.message);
        return [];
      }
    },
    signal,
  );
  if (failed > locations.length * MAX_FAILED_SHARE) {
    throw new BerthError('unavailable', `TPUs of ${failed} of ${locations.length} zones could not be listed`, {
      hint: 'See what was left out for the reasons.',
    });
  }
  return found.flat();
}

async function typesIn(
  { api, project, log }: TpuContext,
  location: { readonly zone: string; readonly region: string },
  signal: AbortSignal,
): Promise<readonly TpuType[]> {
  const types: TpuType[] = [];
  const url = `${TPU}/${project}/locations/${location.zone}/acceleratorTypes`;
  for await (const page of api.pages(url, {}, TypePage, signal)) {
    for (const { type, acceleratorConfigs } of page.acceleratorTypes ?? []) {
      const topology = acceleratorConfigs?.[0]?.topology ?? null;
      const slice = sliceOf(type, topology);
      if ('reason' in slice) log.skipped(`${type} in ${location.zone}`, slice.reason);
      else types.push({ ...location, type, topology, slice });
    }
  }
  return types;
}
