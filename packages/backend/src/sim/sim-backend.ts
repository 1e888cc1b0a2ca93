/** The simulated cloud as a backend like any other: a definition that obeys every rule of the contract. */
import { type Offer, offerId } from '@berth/core';
import { z } from 'zod';
import { BackendError } from '../backend-error.ts';
import { type ComputeDefinition, defineBackend, type Facet, owned } from '../contract.ts';
import { secret } from '../secret-field.ts';
import { brokenCompute, brokenDefinition, type SimBreak } from './breaks.ts';
import type { SimCloud } from './sim-cloud.ts';
import { simCompute } from './sim-compute.ts';
import { SimDriver } from './sim-driver.ts';

export interface SimBackendOptions {
  /** The rule that it breaks, to prove that a check of it fails. */
  readonly breaks?: SimBreak;
  /** Those that it has; absent: all but `agent`. */
  readonly facets?: readonly Facet[];
  /** As `limits.listLagMs`; absent: nothing is said of it. */
  readonly listLagMs?: number;
  readonly provisioningTimeoutMs?: number;
  /** A cloud that asks for more patience than this is left to the caller (C16); 10 s when absent. */
  readonly patienceMs?: number;
  /** `BACKEND_TYPE`; `sim` when absent. */
  readonly type?: string;
}

const PATIENCE_MS = 10_000;

const Config = z.strictObject({ regions: z.array(z.string()).optional() });
const ApiKey = z.strictObject({ api_key: secret() });

export function simBackend(cloud: SimCloud, options: SimBackendOptions = {}): ComputeDefinition<unknown, unknown> {
  const { breaks, facets, listLagMs, patienceMs = PATIENCE_MS } = options;
  const driverOf = (context: { readonly installation: string; readonly credentials: z.output<typeof ApiKey> }) =>
    new SimDriver(cloud, {
      installation: context.installation,
      key: context.credentials.api_key.reveal(),
      patienceMs: breaks === 'C16' ? -1 : patienceMs,
    });
  const definition = defineBackend({
    type: options.type ?? 'sim',
    title: 'Simulated cloud',
    kind: cloud.kind,
    limits: {
      nameLength: 63,
      tags: cloud.hasTags,
      provisioningTimeoutMs: options.provisioningTimeoutMs ?? 600_000,
      ...(listLagMs === undefined ? {} : { listLagMs }),
    },
    agentStart: cloud.agentStart,
    credentials: { api_key: ApiKey },
    config: Config,
    configure: async (context, call) => {
      const driver = driverOf(context);
      const account = await driver.send(call, (signal) => driver.api.account(signal));
      const { regions } = cloud;
      const unknown = context.config.regions?.find((region) => !regions.includes(region));
      if (unknown !== undefined) throw new BackendError('config', `There is no region ${unknown}.`);
      return {
        config: { regions: context.config.regions ?? [...regions] },
        account: account.id,
        choices: { regions: regions.map((value) => ({ value })) },
      };
    },
    catalog: owned<z.output<typeof Config>, z.output<typeof ApiKey>>({
      cacheForMs: 0,
      query: async (context, _requirements, call) => {
        const driver = driverOf(context);
        const sold = await driver.send(call, (signal) => driver.api.offers(signal));
        const offers = sold.map((offer) => named(offer, context.name));
        const wanted = context.config.regions;
        return wanted === undefined ? offers : offers.filter((offer) => wanted.includes(offer.region));
      },
    }),
    compute: (context) => {
      const driver = driverOf(context);
      const compute = simCompute(driver, facets);
      return breaks === undefined ? compute : brokenCompute(breaks, compute, driver, context.credentials.api_key);
    },
  });
  return breaks === undefined ? definition : brokenDefinition(breaks, definition);
}

/** Offers carry the name that the backend has in a project. */
function named(offer: Offer, backend: string): Offer {
  return offer.backend === backend ? offer : { ...offer, backend, id: offerId({ ...offer, backend }) };
}
