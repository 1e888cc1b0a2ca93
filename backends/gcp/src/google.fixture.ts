/** Google as its APIs are documented, small: some prices, zones, machine types and slices. */

import { generateKeyPairSync } from 'node:crypto';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { createHttp, type Http } from '@berth/http';
import type { ReplayServer } from '@berth/http/testing/replay-server';
import { collectGcp } from './collect.ts';
import { GcpCredentialsSchema } from './service-account.ts';

export const PROJECT = 'berth-test';
export const ROUTES = {
  token: 'POST /token',
  computeSkus: 'GET /v1/services/6F81-5844-456A/skus',
  tpuSkus: 'GET /v1/services/E000-3F24-B8AA/skus',
  zones: `GET /compute/v1/projects/${PROJECT}/zones`,
  machineTypes: `GET /compute/v1/projects/${PROJECT}/aggregated/machineTypes`,
  acceleratorTypes: `GET /compute/v1/projects/${PROJECT}/aggregated/acceleratorTypes`,
  locations: `GET /v2/projects/${PROJECT}/locations`,
  slices: (zone: string) => `GET /v2/projects/${PROJECT}/locations/${zone}/acceleratorTypes`,
} as const;

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
export const PUBLIC_KEY = publicKey;
export const KEY = {
  type: 'service_account',
  project_id: PROJECT,
  private_key_id: 'key-1',
  private_key: privateKey,
  client_email: 'catalog@berth-test.iam.gserviceaccount.com',
  token_uri: 'https://oauth2.googleapis.com/token',
};

const UNITS: Readonly<Record<string, string>> = { Ram: 'GiBy.h', Storage: 'GiBy.mo', SSD: 'GiBy.mo' };

/** A SKU at a price per hour, or per month for disks; on demand and in us-central1 unless said otherwise. */
export function sku(
  description: string,
  dollars: number,
  more: { group?: string; usage?: string; regions?: readonly string[]; unit?: string; currency?: string } = {},
): Record<string, unknown> {
  const units = Math.floor(dollars);
  const disk = /Local (?:Storage|SSD)/.test(description);
  const kind = /Ram\b/.test(description) ? 'Ram' : disk ? 'SSD' : 'Core';
  const group = /GPU|gpu slice|RTX/.test(description) ? 'GPU' : /^(?:\w+ )*tpu/i.test(description) ? 'TPU' : kind;
  return {
    name: `services/x/skus/${description}`,
    description,
    category: {
      serviceDisplayName: 'Compute Engine',
      resourceFamily: disk ? 'Storage' : 'Compute',
      resourceGroup: more.group ?? group,
      usageType: more.usage ?? 'OnDemand',
    },
    serviceRegions: more.regions ?? ['us-central1'],
    pricingInfo: [
      {
        effectiveTime: '2026-11-20T00:00:00Z',
        pricingExpression: {
          usageUnit: more.unit ?? UNITS[kind] ?? 'h',
          tieredRates: [
            {
              startUsageAmount: 0,
              unitPrice: {
                currencyCode: more.currency ?? 'USD',
                units: String(units),
                nanos: Math.round((dollars - units) * 1e9),
              },
            },
          ],
        },
      },
    ],
  };
}

const SPOT = { usage: 'Preemptible' };
const BERLIN = { regions: ['europe-west10'] };
const BELGIUM = { regions: ['europe-west1'] };

export const COMPUTE_SKUS: readonly Record<string, unknown>[] = [
  sku('E2 Instance Core running in Americas', 0.02181159),
  sku('E2 Instance Ram running in Americas', 0.00292353),
  sku('Spot Preemptible E2 Instance Core running in Americas', 0.01, SPOT),
  sku('Spot Preemptible E2 Instance Ram running in Americas', 0.001, SPOT),
  sku('E2 Instance Core running in Berlin', 0.05, BERLIN),
  sku('E2 Instance Ram running in Berlin', 0.006, BERLIN),
  sku('E2 Instance Core running in Belgium', 0.024, BELGIUM),
  sku('E2 Instance Ram running in Belgium', 0.003, BELGIUM),
  sku('E2 Custom Instance Core running in Americas', 99),
  sku('Micro Instance with burstable CPU running in Americas', 0.0076, { group: 'F1Micro' }),
  sku('N1 Predefined Instance Core running in Americas', 0.031611),
  sku('N1 Predefined Instance Ram running in Americas', 0.004237),
  sku('Nvidia Tesla T4 GPU running in Americas', 0.35),
  sku('Nvidia Tesla T4 GPU attached to Spot Preemptible VMs running in Americas', 0.11, SPOT),
  sku('Nvidia Tesla V100 GPU running in Americas', 2.48),
  sku('Compute optimized Core running in Americas', 0.03398),
  sku('Compute optimized Ram running in Americas', 0.00455),
  sku('Memory-optimized Instance Core running in Americas', 0.0348),
  sku('Memory-optimized Instance Ram running in Americas', 0.0051),
  sku('Memory Optimized Upgrade Premium for Memory-optimized Instance Core running in Americas', 0.0086),
  sku('Memory Optimized Upgrade Premium for Memory-optimized Instance Ram running in Americas', 0.0012),
  sku('C4A Arm Instance Core running in Americas', 0.0313),
  sku('C4A Arm Instance Ram running in Americas', 0.0036),
  sku('N4A Instance Core running in Americas', 0.026),
  sku('N4A Instance Ram running in Americas', 0.003),
  sku('C4A Instance Local SSD running in Americas', 0.073),
  sku('SSD backed Local Storage in Americas', 0.08),
  sku('SSD backed Local Storage attached to Spot Preemptible VMs in Americas', 0.04, SPOT),
  sku('A2 Instance Core running in Americas', 0.031611),
  sku('A2 Instance Ram running in Americas', 0.004237),
  sku('Nvidia Tesla A100 GPU running in Americas', 2.93391),
  sku('Nvidia Tesla A100 80GB GPU running in Americas', 3.93),
  sku('A2 Instance Core running in Singapore', 0.04, { regions: ['asia-southeast1'] }),
  sku('A2 Instance Ram running in Singapore', 0.005, { regions: ['asia-southeast1'] }),
  sku('Nvidia Tesla A100 GPU running in Singapore', 3, { regions: ['asia-southeast1'] }),
  sku('Nvidia Tesla A100 80GB GPU running in Singapore', 4, { regions: ['asia-southeast1'] }),
  sku('A3 Instance Core running in Americas', 0.029),
  sku('A3 Instance Ram running in Americas', 0.0025),
  sku('Spot Preemptible A3 Instance Core running in Americas', 0.01, SPOT),
  sku('Spot Preemptible A3 Instance Ram running in Americas', 0.001, SPOT),
  sku('Nvidia H100 80GB GPU running in Americas', 9.796550569),
  sku('Nvidia H100 80GB GPU attached to Spot Preemptible VMs running in Americas', 2.25, SPOT),
  sku('DWS Defined Duration A3 Core running in Americas', 0.015),
  sku('DWS Defined Duration A3 Ram running in Americas', 0.0012),
  sku('Nvidia H100 80GB GPU attached to DWS Defined Duration VMs running in Americas', 4.200761),
  sku('A3Plus Instance Core running in Americas', 0.03),
  sku('A3Plus Instance Ram running in Americas', 0.0026),
  sku('Nvidia H100 80GB Mega GPU running in Americas', 10.2),
  sku('A3Ultra Instance Core running in Americas', 0.031),
  sku('A3Ultra Instance Ram running in Americas', 0.0027),
  sku('H200 141GB GPU running in Americas', 9.31174),
  sku('A4 Nvidia B200 (1 gpu slice) running in Americas', 16.11),
  // Filed under on demand, as in the catalog of September 2026.
  sku('Spot Preemptible A4 Nvidia B200 (1 gpu slice) running in Americas', 4.9542),
  sku('DWS Calendar Mode A4 Nvidia B200 (1 gpu slice) running in Americas', 11.277),
  sku('Reserved A4 Nvidia B200 (1 gpu slice) in Americas', 0.001),
  sku('A4X Nvidia GB200 (1 gpu slice) running in Americas', 18),
  sku('G4 Instance Core running in Iowa', 0.04891),
  sku('G4 Instance Ram running in Iowa', 0.00587),
  sku('RTX 6000 96GB running in Iowa', 1.09565),
  sku('1/8 vGPU no lssd running in Iowa', 0.64688, { group: 'GPU' }),
  sku('1/8 vGPU no lssd attached to DWS Defined Duration VMs running in Iowa', 0.32344, { group: 'GPU' }),
  sku('Commitment v1: Nvidia H100 80GB GPU running in Americas for 1 Year', 1, { usage: 'Commit1Yr' }),
  sku('Sole Tenancy Premium for A3 Instance Core running in Americas', 77),
  sku('TpuV5e running in Iowa', 1.2),
  sku('Spot Preemptible TpuV5e running in Iowa', 0.48),
  sku('TpuV6e running in Iowa', 2.7),
  sku('TpuV5p running in Iowa', 4.2),
  sku('TpuV5p running in Berlin', 9, BERLIN),
];

export const TPU_SKUS: readonly Record<string, unknown>[] = [
  sku('Tpu-v2 accelerator running in Iowa', 4.5),
  sku('Preemptible Tpu-v2 accelerator running in Iowa', 1.35),
  sku('Tpu-v2 Pod accelerator running in Iowa', 6),
  sku('Tpu-v4 Pod running in Oklahoma', 12.88, { regions: ['us-central2'] }),
];

export interface MachineTypeFixture {
  readonly name: string;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly gpu?: readonly [string, number];
  readonly arch?: string;
  readonly ssds?: number;
  readonly deprecated?: string;
}

export function machineType(fixture: MachineTypeFixture): Record<string, unknown> {
  const { name, cpus, memoryGiB, gpu, arch, ssds, deprecated } = fixture;
  return {
    kind: 'compute#machineType',
    name,
    guestCpus: cpus,
    memoryMb: memoryGiB * 1024,
    isSharedCpu: /^e2-(?:micro|small|medium)$|^f1-/.test(name),
    ...(gpu && { accelerators: [{ guestAcceleratorType: gpu[0], guestAcceleratorCount: gpu[1] }] }),
    ...(arch && { architecture: arch }),
    ...(ssds && { bundledLocalSsds: { defaultInterface: 'NVME', partitionCount: ssds } }),
    ...(deprecated && { deprecated: { state: deprecated } }),
  };
}

export const IOWA: readonly Record<string, unknown>[] = [
  { name: 'e2-micro', cpus: 2, memoryGiB: 1 },
  { name: 'e2-small', cpus: 2, memoryGiB: 2 },
  { name: 'e2-medium', cpus: 2, memoryGiB: 4 },
  { name: 'e2-standard-4', cpus: 4, memoryGiB: 16, arch: 'X86_64' },
  { name: 'f1-micro', cpus: 1, memoryGiB: 0.6 },
  { name: 'n1-standard-4', cpus: 4, memoryGiB: 15 },
  { name: 'n1-highmem-16', cpus: 16, memoryGiB: 104 },
  { name: 'n1-megamem-96', cpus: 96, memoryGiB: 1433.6 },
  { name: 'c2-standard-4', cpus: 4, memoryGiB: 16 },
  { name: 'm2-ultramem-208', cpus: 208, memoryGiB: 5888 },
  { name: 'c4a-standard-4-lssd', cpus: 4, memoryGiB: 16, arch: 'ARM64', ssds: 1 },
  { name: 'n4a-standard-4', cpus: 4, memoryGiB: 16 },
  { name: 'a2-highgpu-1g', cpus: 12, memoryGiB: 85, gpu: ['nvidia-tesla-a100', 1] as const },
  { name: 'a2-ultragpu-1g', cpus: 12, memoryGiB: 170, gpu: ['nvidia-a100-80gb', 1] as const, ssds: 1 },
  { name: 'a3-highgpu-1g', cpus: 26, memoryGiB: 234, gpu: ['nvidia-h100-80gb', 1] as const, ssds: 2 },
  { name: 'a3-highgpu-8g', cpus: 208, memoryGiB: 1872, gpu: ['nvidia-h100-80gb', 8] as const, ssds: 16 },
  { name: 'a3-megagpu-8g', cpus: 208, memoryGiB: 1872, gpu: ['nvidia-h100-mega-80gb', 8] as const },
  { name: 'a3-ultragpu-8g', cpus: 224, memoryGiB: 2952, gpu: ['nvidia-h200-141gb', 8] as const, ssds: 32 },
  { name: 'a4-highgpu-8g', cpus: 224, memoryGiB: 3968, gpu: ['nvidia-b200', 8] as const, ssds: 32 },
  { name: 'a4x-highgpu-4g', cpus: 140, memoryGiB: 884, gpu: ['nvidia-gb200', 4] as const },
  { name: 'g4-standard-48', cpus: 48, memoryGiB: 180, gpu: ['nvidia-rtx-pro-6000', 1] as const },
  { name: 'g4-standard-12', cpus: 12, memoryGiB: 45, gpu: ['nvidia-rtx-pro-6000', 1] as const },
  { name: 'ct6e-standard-4t', cpus: 180, memoryGiB: 720 },
  { name: 'n2-standard-2', cpus: 2, memoryGiB: 8, deprecated: 'OBSOLETE' },
].map(machineType);

const SINGAPORE = [
  { name: 'a2-highgpu-1g', cpus: 12, memoryGiB: 85, gpu: ['nvidia-tesla-a100', 1] as const },
  { name: 'a2-ultragpu-1g', cpus: 12, memoryGiB: 170, gpu: ['nvidia-a100-80gb', 1] as const, ssds: 1 },
].map(machineType);

const E2 = [{ name: 'e2-standard-4', cpus: 4, memoryGiB: 16 }].map(machineType);

const REGIONS = 'https://www.googleapis.com/compute/v1/projects/berth-test/regions';

/** Answers everything; a test puts other answers in place of some. Prices and machine types come in two pages. */
export function playGoogle(server: ReplayServer): ReplayServer {
  const none = { warning: { code: 'NO_RESULTS_ON_PAGE', message: 'There are no results for scope on this page.' } };
  return server
    .on(ROUTES.token, { json: { access_token: 'ya29.secret', expires_in: 3599, token_type: 'Bearer' } })
    .on(ROUTES.computeSkus, ({ query }) => ({
      json: query.has('pageToken')
        ? { skus: COMPUTE_SKUS.slice(20), nextPageToken: '' }
        : { skus: COMPUTE_SKUS.slice(0, 20), nextPageToken: 'more' },
    }))
    .on(ROUTES.tpuSkus, { json: { skus: TPU_SKUS } })
    .on(ROUTES.zones, {
      json: {
        items: [
          { name: 'us-central1-a', region: `${REGIONS}/us-central1`, status: 'UP' },
          // A suffix of more than a letter.
          { name: 'us-central1-ai1a', region: `${REGIONS}/us-central1`, status: 'UP' },
          { name: 'asia-southeast1-b', region: `${REGIONS}/asia-southeast1`, status: 'UP' },
          { name: 'europe-west1-b', region: `${REGIONS}/europe-west1`, status: 'UP' },
          { name: 'europe-west10-a', region: `${REGIONS}/europe-west10`, status: 'UP' },
        ],
      },
    })
    .on(ROUTES.machineTypes, ({ query }) => ({
      json: query.has('pageToken')
        ? {
            items: {
              'zones/europe-west1-b': { machineTypes: E2 },
              'zones/europe-west10-a': { machineTypes: E2 },
              'zones/asia-southeast1-b': { machineTypes: SINGAPORE },
              'zones/us-central1-ai1a': { machineTypes: E2 },
            },
          }
        : { items: { 'zones/us-central1-a': { machineTypes: IOWA }, 'zones/empty': none }, nextPageToken: 'zones-2' },
    }))
    .on(ROUTES.acceleratorTypes, {
      json: {
        items: {
          'zones/us-central1-a': {
            acceleratorTypes: [
              { name: 'nvidia-tesla-t4', maximumCardsPerInstance: 4 },
              { name: 'nvidia-tesla-v100', maximumCardsPerInstance: 8 },
              { name: 'nvidia-tesla-t4-vws', maximumCardsPerInstance: 4 },
            ],
          },
          'zones/empty': none,
        },
      },
    })
    .on(ROUTES.locations, {
      json: {
        locations: [
          { locationId: 'us-central1-a' },
          { locationId: 'europe-west1-b' },
          { locationId: 'us-central2-b', labels: { 'cloud.googleapis.com/region': 'us-central2' } },
        ],
      },
    })
    .on(ROUTES.slices('us-central1-a'), {
      json: {
        acceleratorTypes: [
          { type: 'v2-8', acceleratorConfigs: [{ type: 'V2', topology: '2x2' }] },
          { type: 'v2-32', acceleratorConfigs: [{ type: 'V2', topology: '4x4' }] },
          { type: 'v5litepod-1' },
          { type: 'v5litepod-16', acceleratorConfigs: [{ type: 'V5LITE_POD', topology: '4x4' }] },
          { type: 'v5p-8', acceleratorConfigs: [{ type: 'V5P', topology: '2x2x1' }] },
          { type: 'v6e-256', acceleratorConfigs: [{ type: 'V6E', topology: '16x16' }] },
        ],
      },
    })
    .on(ROUTES.slices('europe-west1-b'), { json: { acceleratorTypes: [{ type: 'v5p-8' }] } })
    .on(ROUTES.slices('us-central2-b'), { json: { acceleratorTypes: [{ type: 'v4-8' }, { type: 'v4-16' }] } });
}

export interface Collected {
  readonly offers: readonly CollectedOffer[];
  readonly skipped: readonly string[];
}

/** Waits between attempts take no time. */
export function httpTo(server: ReplayServer): Http {
  const origins = server.instead(
    'https://oauth2.googleapis.com',
    'https://cloudbilling.googleapis.com',
    'https://compute.googleapis.com',
    'https://tpu.googleapis.com',
  );
  return createHttp({ now: () => 0, sleep: async () => {}, random: () => 0.5, origins });
}

export async function collected(
  server: ReplayServer,
  signal: AbortSignal = AbortSignal.timeout(10_000),
): Promise<Collected> {
  const skipped: string[] = [];
  const offers: CollectedOffer[] = [];
  const found = collectGcp({
    http: httpTo(server),
    config: null,
    signal,
    now: () => Date.UTC(2026, 10, 20),
    credentials: GcpCredentialsSchema.parse({ key: KEY }),
    log: { progress: () => {}, skipped: (what, reason) => void skipped.push(`${what}: ${reason}`) },
  });
  for await (const offer of found) offers.push(offer);
  return { offers, skipped };
}
