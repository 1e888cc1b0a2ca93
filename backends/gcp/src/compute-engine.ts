/** Zones, machine types and attachable GPUs of Compute Engine. */

import { z } from 'zod';
import type { GoogleApi } from './google-api.ts';

const COMPUTE = 'https://compute.googleapis.com/compute/v1/projects';

const Deprecation = z.object({ state: z.string().optional() }).optional();

/** Source: https://cloud.google.com/compute/docs/reference/rest/v1/zones/list */
const ZonePage = z.object({
  items: z.array(z.object({ name: z.string(), region: z.string(), deprecated: Deprecation })),
  nextPageToken: z.string().optional(),
});

/** Source: https://cloud.google.com/compute/docs/reference/rest/v1/machineTypes */
const MachineTypeSchema = z.object({
  name: z.string(),
  guestCpus: z.number().positive(),
  /** MiB, by whatever name. */
  memoryMb: z.number().positive(),
  isSharedCpu: z.boolean().optional(),
  /** `X86_64`, `ARM64`; older types have none. */
  architecture: z.string().optional(),
  accelerators: z.array(z.object({ guestAcceleratorType: z.string(), guestAcceleratorCount: z.number() })).optional(),
  bundledLocalSsds: z.object({ partitionCount: z.number().optional() }).optional(),
  deprecated: Deprecation,
});
export type MachineType = z.infer<typeof MachineTypeSchema>;

/** Source: https://cloud.google.com/compute/docs/reference/rest/v1/machineTypes/aggregatedList */
const MachineTypePage = z.object({
  items: z.record(z.string(), z.object({ machineTypes: z.array(MachineTypeSchema).optional() })),
  unreachables: z.array(z.string()).optional(),
  nextPageToken: z.string().optional(),
});

/** Source: https://cloud.google.com/compute/docs/reference/rest/v1/acceleratorTypes/aggregatedList */
const AcceleratorTypePage = z.object({
  items: z.record(
    z.string(),
    z.object({
      acceleratorTypes: z
        .array(z.object({ name: z.string(), maximumCardsPerInstance: z.number(), deprecated: Deprecation }))
        .optional(),
    }),
  ),
  unreachables: z.array(z.string()).optional(),
  nextPageToken: z.string().optional(),
});

/** Machine types per page; 500 is the most. */
const PAGE_SIZE = 500;

/** Zone → region, as the API says: zone names have suffixes of more than one form. */
export async function fetchZones(
  api: GoogleApi,
  project: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const regions = new Map<string, string>();
  for await (const page of api.pages(`${COMPUTE}/${project}/zones`, { maxResults: PAGE_SIZE }, ZonePage, signal)) {
    for (const { name, region, deprecated } of page.items) {
      if (!isGone(deprecated)) regions.set(name, lastSegment(region));
    }
  }
  return regions;
}

export interface ZoneMachineTypes {
  readonly zone: string;
  readonly machineTypes: readonly MachineType[];
}

export interface MachineTypesPage {
  readonly zones: readonly ZoneMachineTypes[];
  /** Zones that did not answer Google itself. */
  readonly unreachable: readonly string[];
}

/** Page by page: all of them are some hundred thousand. */
export async function* fetchMachineTypes(
  api: GoogleApi,
  project: string,
  signal: AbortSignal,
): AsyncGenerator<MachineTypesPage, void, undefined> {
  const url = `${COMPUTE}/${project}/aggregated/machineTypes`;
  for await (const page of api.pages(url, { maxResults: PAGE_SIZE }, MachineTypePage, signal)) {
    yield {
      zones: Object.entries(page.items).map(([scope, { machineTypes = [] }]) => ({
        zone: lastSegment(scope),
        machineTypes: machineTypes.filter(({ deprecated }) => !isGone(deprecated)),
      })),
      unreachable: (page.unreachables ?? []).map(lastSegment),
    };
  }
}

/** Zone → type of GPU → the most that one machine may have. */
export async function fetchAcceleratorTypes(
  api: GoogleApi,
  project: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>> {
  const zones = new Map<string, Map<string, number>>();
  const url = `${COMPUTE}/${project}/aggregated/acceleratorTypes`;
  for await (const page of api.pages(url, { maxResults: PAGE_SIZE }, AcceleratorTypePage, signal)) {
    for (const [scope, { acceleratorTypes = [] }] of Object.entries(page.items)) {
      const zone = lastSegment(scope);
      const types = zones.get(zone) ?? new Map<string, number>();
      for (const { name, maximumCardsPerInstance, deprecated } of acceleratorTypes) {
        if (!isGone(deprecated)) types.set(name, maximumCardsPerInstance);
      }
      zones.set(zone, types);
    }
  }
  return zones;
}

/** Also `DEPRECATED`, which may still be used: Google has something better by then. */
function isGone(deprecated: { readonly state?: string | undefined } | undefined): boolean {
  return deprecated?.state !== undefined && deprecated.state !== 'ACTIVE';
}

/** `zones/us-central1-a` and `https://…/regions/us-central1`. */
function lastSegment(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
