/**
 * Exact shapes, for those who have a subscription: the sizes that Azure Resource Manager lists.
 * Sources: https://learn.microsoft.com/rest/api/compute/resource-skus/list,
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */

import type { Availability } from '@berth/core/offer';
import { type Http, HttpError } from '@berth/http';
import { z } from 'zod';
import type { AzureCredentials } from './credentials.ts';
import { type ReadShape, type Shape, shapeOf } from './shape.ts';

const LOGIN_ORIGIN = 'https://login.microsoftonline.com';
const MANAGEMENT_ORIGIN = 'https://management.azure.com';

const tokenSchema = z.object({ access_token: z.string().min(1) });

const skuSchema = z.object({
  resourceType: z.string(),
  name: z.string(),
  family: z.string().optional(),
  capabilities: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
  restrictions: z
    .array(
      z.object({
        type: z.string().optional(),
        reasonCode: z.string().optional(),
        restrictionInfo: z.object({ locations: z.array(z.string()).optional() }).optional(),
      }),
    )
    .optional(),
});
type Sku = z.infer<typeof skuSchema>;
const pageSchema = z.object({ value: z.array(skuSchema), nextLink: z.string().optional() });

/** All sizes of all regions come in one answer. */
const LARGEST_ANSWER = 256 * 1024 ** 2;
const TIMEOUT_MS = 180_000;

export interface ResourceSkus {
  /** Null: the subscription is not told of such a size. */
  shapeOf(armSkuName: string): ReadShape | null;
  /** What the subscription may not have there, and why; `unknown`: nothing is said against it. */
  availability(armSkuName: string, region: string): Availability;
}

export async function readResourceSkus(
  http: Http,
  credentials: AzureCredentials,
  signal: AbortSignal,
): Promise<ResourceSkus> {
  const token = await readToken(http, credentials, signal);
  const headers = { authorization: `Bearer ${token}` };
  const path = `/subscriptions/${encodeURIComponent(credentials.subscription_id)}/providers/Microsoft.Compute/skus`;
  // The price list and this list differ in capitals.
  const keyOf = (name: string, region = ''): string => `${name} ${region}`.toLowerCase();
  const shapes = new Map<string, ReadShape>();
  const refused = new Map<string, Availability>();
  let url: URL | null = new URL(`${path}?api-version=2021-07-01`, MANAGEMENT_ORIGIN);
  while (url !== null) {
    const limits = { maxBytes: LARGEST_ANSWER, timeoutMs: TIMEOUT_MS };
    const answer: z.infer<typeof pageSchema> = await http.json({ url, headers, schema: pageSchema, ...limits }, signal);
    for (const sku of answer.value) {
      if (sku.resourceType !== 'virtualMachines') continue;
      shapes.set(keyOf(sku.name), exactShape(sku));
      for (const [region, availability] of refusals(sku)) refused.set(keyOf(sku.name, region), availability);
    }
    url = answer.nextLink === undefined ? null : nextPage(answer.nextLink);
  }
  return {
    shapeOf: (name) => shapes.get(keyOf(name)) ?? null,
    availability: (name, region) => refused.get(keyOf(name, region)) ?? 'unknown',
  };
}

/** The token goes nowhere else. */
function nextPage(link: string): URL {
  const url = URL.parse(link);
  if (url?.origin === MANAGEMENT_ORIGIN) return url;
  const message = 'GET management.azure.com answered with a next page that is not its own';
  throw new HttpError('unknown', message, { status: null, retryAfterMs: null });
}

async function readToken(http: Http, credentials: AzureCredentials, signal: AbortSignal): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: credentials.client_id,
    client_secret: credentials.client_secret.reveal(),
    scope: `${MANAGEMENT_ORIGIN}/.default`,
  });
  const url = `${LOGIN_ORIGIN}/${encodeURIComponent(credentials.tenant_id)}/oauth2/v2.0/token`;
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const request = { method: 'POST', url, headers, body: body.toString(), repeatable: true } as const;
  return (await http.json({ ...request, schema: tokenSchema }, signal)).access_token;
}

/** Of whole regions; a zone that is closed leaves the others. */
function refusals({ restrictions = [] }: Sku): [region: string, Availability][] {
  return restrictions
    .filter(({ type }) => type === 'Location')
    .flatMap(({ reasonCode, restrictionInfo }) => {
      const availability = reasonCode === 'QuotaId' ? 'no-quota' : 'not-available';
      return (restrictionInfo?.locations ?? []).map((region): [string, Availability] => [region, availability]);
    });
}

/** The API counts a share of a GPU as one, and names none: those are from the series. */
function exactShape(sku: Sku): ReadShape {
  const capabilities = new Map(sku.capabilities?.map(({ name, value }) => [name, value] as const));
  const number = (name: string): number | null => {
    const value = Number(capabilities.get(name));
    return Number.isFinite(value) && value > 0 ? value : null;
  };
  const byName = shapeOf(sku.name);
  const cpus = number('vCPUsAvailable') ?? number('vCPUs');
  // Called GB, and counted in GiB.
  const memory = number('MemoryGB');
  if (cpus === null || memory === null) return byName;
  const gpus = number('GPUs');
  const known = 'shape' in byName ? byName.shape : null;
  if (known === null && gpus === null && /^Standard_N/i.test(sku.name)) return byName;
  const counted = gpus === null ? null : { label: `Azure ${sku.family ?? sku.name}`, count: gpus };
  const arch = capabilities.get('CpuArchitectureType');
  const cpuArch = arch === undefined ? known?.cpuArch : arch === 'Arm64' ? 'arm' : 'x86';
  const shape: Shape = {
    cpus,
    memoryMiB: Math.round(memory * 1024),
    ...(cpuArch === undefined ? {} : { cpuArch }),
    accelerator: known?.accelerator ?? counted,
    interconnect: capabilities.get('RdmaEnabled') === 'True' ? 'InfiniBand' : null,
    // Called MB, and counted in MiB.
    diskMiB: number('MaxResourceVolumeMB'),
  };
  return { shape };
}
