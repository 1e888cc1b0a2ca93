/** Google's machine types and TPU slices, priced by the SKUs of what they are made of. */

import type { CollectContext } from '@berth/catalog/catalog-source';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { BerthError } from '@berth/core/errors';
import { z } from 'zod';
import { accessTokens } from './access-token.ts';
import { tpuOffers } from './cloud-tpu.ts';
import { fetchAcceleratorTypes, fetchMachineTypes, fetchZones } from './compute-engine.ts';
import { GoogleApi } from './google-api.ts';
import { MachineOffers } from './machine-offers.ts';
import { Rates } from './rates.ts';
import type { GcpCredentials } from './service-account.ts';
import { SkuSchema } from './sku.ts';

const BILLING = 'https://cloudbilling.googleapis.com/v1/services';

/** Compute Engine sells the newer TPUs as well; the older ones are a service of their own. */
const SERVICES = { 'Compute Engine': '6F81-5844-456A', 'Cloud TPU': 'E000-3F24-B8AA' } as const;

/** 5000 is the most. */
const SKUS_PER_PAGE = 5000;
const SkuPage = z.object({ skus: z.array(SkuSchema), nextPageToken: z.string().optional() });

/** Of zones that do not answer, and of types without a price, each. */
const MAX_MISSING_SHARE = 0.25;

/** @throws HttpError, and BerthError `no-offers` or `unavailable` when the list cannot be whole */
export async function* collectGcp(context: CollectContext<GcpCredentials>): AsyncGenerator<CollectedOffer, void> {
  const { http, signal, log, credentials } = context;
  const { key } = credentials;
  const project = key.project_id;
  const api = new GoogleApi(http, accessTokens(key, http, context.now));
  const rates = await fetchRates(api, context);
  const regions = await fetchZones(api, project, signal);
  const attachable = await fetchAcceleratorTypes(api, project, signal);

  const machines = new MachineOffers(rates, log);
  const missing = new Set<string>();
  let offers = 0;
  for await (const page of fetchMachineTypes(api, project, signal)) {
    for (const zone of page.unreachable) missing.add(zone);
    for (const { zone, machineTypes } of page.zones) {
      if (machineTypes.length === 0) continue;
      const region = regions.get(zone);
      if (region === undefined) {
        missing.add(zone);
        continue;
      }
      const place = { region, zone, attachable: attachable.get(zone) ?? new Map<string, number>() };
      for (const machineType of machineTypes) {
        for (const offer of machines.of(machineType, place)) {
          offers += 1;
          yield offer;
        }
      }
    }
    log.progress(`${offers} offers of machines`);
  }
  if (offers === 0) {
    throw new BerthError('no-offers', `Google listed no machine with a price for project ${project}`, {
      hint: 'Enable the Compute Engine API and the Cloud Billing API in that project.',
    });
  }
  for (const zone of missing) log.skipped(zone, 'the zone did not answer, or the list of zones does not have it');
  refuseIfMissing(missing.size, regions.size, 'zones could not be listed');
  const { priced, unpriced } = machines.counts;
  refuseIfMissing(unpriced, priced + unpriced, 'machine types have no price');

  yield* tpuOffers({ api, project, rates, regions, log }, signal);
}

async function fetchRates(api: GoogleApi, { signal, log }: CollectContext<GcpCredentials>): Promise<Rates> {
  const rates = new Rates();
  for (const [service, id] of Object.entries(SERVICES)) {
    let skus = 0;
    const url = `${BILLING}/${id}/skus`;
    for await (const page of api.pages(url, { pageSize: SKUS_PER_PAGE, currencyCode: 'USD' }, SkuPage, signal)) {
      for (const sku of page.skus) {
        const reason = rates.add(sku);
        if (reason !== null) log.skipped(`price "${sku.description}"`, reason);
      }
      skus += page.skus.length;
      log.progress(`${skus} prices of ${service}`);
    }
    if (skus === 0) throw new BerthError('no-offers', `the Cloud Billing Catalog has no SKU of ${service}`);
  }
  return rates;
}

function refuseIfMissing(missing: number, all: number, what: string): void {
  if (missing <= all * MAX_MISSING_SHARE) return;
  throw new BerthError('unavailable', `${missing} of ${all} ${what}`, {
    hint: 'See what was left out for the reasons; the last good catalog stays in use.',
  });
}
