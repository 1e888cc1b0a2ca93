/** Excerpts of the estimator's files as they were in September 2026, oddities included. */

import { type Harvest, harvest } from '@berth/catalog/testing/harvest';
import type { ReplayServer } from '@berth/http/testing/replay-server';
import { collectOci } from './collect.ts';

export const SHAPES_ROUTE = 'GET /a/ocom/docs/cloudestimator2/data/shapes.json';
export const PRODUCTS_ROUTE = 'GET /a/ocom/docs/cloudestimator2/data/products.json';

interface GpuShape {
  readonly processor: string;
  readonly gpus: number;
  readonly gpuMemory: number | null;
  readonly part: string;
  readonly ocpus: number | null;
  readonly memory: number | null;
  readonly preemptible?: boolean;
}

export function gpuShape(name: string, shape: GpuShape): Record<string, unknown> {
  return {
    name,
    hidden: false,
    status: 'ACTIVE',
    allowPreemptible: shape.preemptible ?? false,
    bundleMemoryQty: shape.memory,
    gpuQty: shape.gpus,
    gpuMemoryQty: shape.gpuMemory,
    processorType: { value: shape.processor },
    shapeType: { value: name.startsWith('VM') ? 'vm' : 'bm' },
    subType: { value: 'gpu' },
    products: [{ partNumber: shape.part, qty: shape.ocpus, type: { value: 'ocpu' } }],
  };
}

interface Parts {
  readonly processor?: string;
  readonly subType?: string;
  readonly preemptible?: boolean;
  readonly memory?: number | null;
  /** Part number, and its quantity or its least and most. */
  readonly ocpu?: readonly [string, number | readonly [number, number]];
  readonly ram?: readonly [string, number | readonly [number, number]];
  readonly disk?: readonly [string, number];
}

export function cpuShape(name: string, parts: Parts): Record<string, unknown> {
  const part = (type: string, [partNumber, qty]: readonly [string, number | readonly [number, number]]) =>
    typeof qty === 'number'
      ? { partNumber, qty, type: { value: type } }
      : { partNumber, qty: 0, min: qty[0], max: qty[1], type: { value: type } };
  return {
    name,
    hidden: false,
    status: 'ACTIVE',
    allowPreemptible: parts.preemptible ?? false,
    bundleMemoryQty: parts.memory ?? null,
    gpuQty: null,
    gpuMemoryQty: null,
    processorType: { value: parts.processor ?? 'amd' },
    shapeType: { value: name.startsWith('VM') ? 'vm' : 'bm' },
    subType: { value: parts.subType ?? 'standard' },
    products: [
      ...(parts.ocpu === undefined ? [] : [part('ocpu', parts.ocpu)]),
      ...(parts.ram === undefined ? [] : [part('memory', parts.ram)]),
      ...(parts.disk === undefined ? [] : [part('disk', parts.disk)]),
    ],
  };
}

export function product(partNumber: string, ...dollars: readonly number[]): Record<string, unknown> {
  return {
    partNumber,
    billingModel: 'UCM',
    pricetype: 'HOUR',
    currencyCodeLocalizations: [
      { currencyCode: 'EUR', prices: [{ model: 'PAY_AS_YOU_GO', value: 999 }] },
      { currencyCode: 'USD', prices: dollars.map((value) => ({ model: 'PAY_AS_YOU_GO', value })) },
    ],
  };
}

export const SHAPES: readonly Record<string, unknown>[] = [
  gpuShape('BM.GPU.H100.8', { processor: 'hopper', gpus: 8, gpuMemory: 640, part: 'B98415', ocpus: 112, memory: 2048 }),
  gpuShape('BM.GPU4.8', { processor: 'arm', gpus: 8, gpuMemory: 320, part: 'B92740', ocpus: 64, memory: 2048 }),
  gpuShape('BM.GPU.A100-v2.8', { processor: 'arm', gpus: 8, gpuMemory: 640, part: 'B95907', ocpus: 128, memory: 2048 }),
  gpuShape('BM.GPU.MI300X.8', {
    processor: 'amd',
    gpus: 8,
    gpuMemory: 1536,
    part: 'B109485',
    ocpus: 112,
    memory: 2048,
  }),
  gpuShape('BM.GPU.MI355X.8', { processor: 'amd', gpus: 8, gpuMemory: 288, part: 'B111758', ocpus: 128, memory: 3072 }),
  gpuShape('BM.GPU.GB200.4 (NVL72)', {
    processor: 'blackwell',
    gpus: 4,
    gpuMemory: 756,
    part: 'B110979',
    ocpus: 128,
    memory: 960,
  }),
  gpuShape('BM.GPU.GB300.4 (NVL72)', {
    processor: 'blackwell',
    gpus: 4,
    gpuMemory: 278,
    part: 'B112140',
    ocpus: null,
    memory: null,
  }),
  gpuShape('BM.GPU.B300.8', {
    processor: 'blackwell',
    gpus: 8,
    gpuMemory: 2100,
    part: 'B112237',
    ocpus: null,
    memory: null,
  }),
  gpuShape('BM.GPU.RTXPRO.8', {
    processor: 'blackwell',
    gpus: 8,
    gpuMemory: 768,
    part: 'B112613',
    ocpus: null,
    memory: null,
  }),
  gpuShape('VM.GPU3.1', {
    processor: 'volta',
    gpus: 1,
    gpuMemory: 16,
    part: 'B89734',
    ocpus: 6,
    memory: 90,
    preemptible: true,
  }),
  cpuShape('BM.DenseIO.E5.128', {
    subType: 'dense',
    memory: 1536,
    ocpu: ['B98202', 128],
    ram: ['B98203', 1536],
    disk: ['B98204', 81.6],
  }),
  cpuShape('BM.Standard.E4.128', { memory: 2048, ocpu: ['B93113', 128], ram: ['B93114', 2048] }),
  cpuShape('VM.Standard2.4', { processor: 'intel', memory: 60, ocpu: ['B88514', 4], preemptible: true }),
  cpuShape('VM.Standard.E5.Flex', {
    subType: 'flexible',
    preemptible: true,
    ocpu: ['B97384', [1, 94]],
    ram: ['B97385', [1, 1049]],
  }),
  cpuShape('VM.Standard.A1.Flex', {
    processor: 'arm',
    subType: 'flexible',
    ocpu: ['B93297', [1, 80]],
    ram: ['B93298', [1, 512]],
  }),
  cpuShape('VM.Standard.A2.Flex', {
    processor: 'arm',
    subType: 'flexible',
    ocpu: ['B109529', [1, 78]],
    ram: ['B109530', [1, 946]],
  }),
  { ...cpuShape('VM.Standard1.1', { memory: 7, ocpu: ['B88317', 1] }), status: 'DEPRECATED' },
  { ...cpuShape('BM.Secret.1', { memory: 7, ocpu: ['B88317', 1] }), hidden: true },
];

export const PRODUCTS: readonly Record<string, unknown>[] = [
  product('B98415', 10),
  product('B92740', 3.05),
  product('B95907', 4),
  product('B109485', 6),
  product('B111758', 8.6),
  product('B110979', 16),
  product('B112140', 18),
  product('B112237', 15),
  product('B112613', 4.5),
  product('B89734', 2.95),
  product('B98202', 0.03),
  product('B98203', 0.002),
  product('B98204', 0.0612),
  product('B93113', 0.025),
  product('B93114', 0.0015),
  product('B88514', 0.0638),
  product('B97384', 0.03),
  product('B97385', 0.002),
  product('B93297', 0, 0.01),
  product('B93298', 0, 0.0015),
  product('B109529', 0.014),
  product('B109530', 0.002),
  { ...product('B00001', 5), billingModel: 'BYOL' },
];

/** Collects from the server. */
export function collected(server: ReplayServer, signal?: AbortSignal): Promise<Harvest> {
  const origins = server.instead('https://www.oracle.com');
  return harvest(collectOci, { origins, credentials: null, ...(signal && { signal }) });
}
