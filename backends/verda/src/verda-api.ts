import type { Secret } from '@berth/core/secret';
import type { Http } from '@berth/http';
import { z } from 'zod';

const API = 'https://api.verda.com/v1';

/** Prices were strings first and are numbers in newer answers; Verda's own client takes both. */
const Price = z.union([z.number(), z.string().regex(/^\d+(?:\.\d+)?$/)]).transform(Number);

/**
 * Source: Verda API 1.0, "Instance types" (api.verda.com/v1/docs), and Verda's client for Go
 * (github.com/verda-cloud/verdacloud-sdk-go, types.go). Gigabytes are GiB: one H100 has 80 of them.
 */
const InstanceType = z.object({
  instance_type: z.string(),
  price_per_hour: Price,
  /** Null: not sold as spot. */
  spot_price: Price.nullable(),
  currency: z.string().toLowerCase().pipe(z.literal('usd')),
  cpu: z.object({ number_of_cores: z.number() }),
  memory: z.object({ size_in_gigabytes: z.number() }),
  /** `1x H100 SXM5 80GB`; without devices the number is 0. */
  gpu: z.object({ number_of_gpus: z.int().nonnegative(), description: z.string() }),
  /** Of all devices together. */
  gpu_memory: z.object({ size_in_gigabytes: z.number() }),
});
export type InstanceType = z.output<typeof InstanceType>;

/** Source: the same, "Locations". */
const Location = z.object({ code: z.string(), country_code: z.string() });
export type Location = z.output<typeof Location>;

/** Source: the same, "Instance availability": the types that a location can start now. */
const LocationAvailability = z.object({ location_code: z.string(), availabilities: z.array(z.string()) });
export type LocationAvailability = z.output<typeof LocationAvailability>;

export interface VerdaApi {
  /** Prices in US dollars per hour. */
  instanceTypes(): Promise<readonly InstanceType[]>;
  locations(): Promise<readonly Location[]>;
  availability(of: 'on-demand' | 'spot', signal: AbortSignal): Promise<readonly LocationAvailability[]>;
}

export function verdaApi(http: Http, token: Secret<string>, signal: AbortSignal): VerdaApi {
  const headers = { authorization: `Bearer ${token.reveal()}` };
  return {
    instanceTypes: () => {
      const query = { currency: 'usd' };
      return http.json({ url: `${API}/instance-types`, query, headers, schema: z.array(InstanceType) }, signal);
    },
    locations: () => http.json({ url: `${API}/locations`, headers, schema: z.array(Location) }, signal),
    availability: (of, until) => {
      const request = { url: `${API}/instance-availability`, query: { is_spot: of === 'spot' }, headers };
      return http.json({ ...request, schema: z.array(LocationAvailability) }, until);
    },
  };
}
