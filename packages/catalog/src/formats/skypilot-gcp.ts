/**
 * GCP in SkyPilot's catalog: hosts and accelerators have rows and prices of their own, and what one pays
 * is their sum. Which host takes which accelerator is not in the file; it is Google's documentation
 * (Compute Engine, "GPU machine types"; Cloud TPU, "System architecture" of each version).
 */

import { resolveAccelerator } from '@berth/core/accelerators';
import type { CpuArch } from '@berth/core/offer';
import type { ImportCount } from './import-report.ts';
import type { SkypilotShape } from './skypilot-row.ts';

/** A row with its place and prices; prices that are not there are null. */
export interface SkypilotEntry {
  readonly row: number;
  readonly shape: SkypilotShape;
  readonly region: string;
  readonly zone: string;
  readonly price: number | null;
  readonly spotPrice: number | null;
}

export type EmitEntry = (entry: SkypilotEntry) => void;

/** Hosts that come with their accelerators only: A2, A3, A4, G2, …; `g1-small` is a plain machine. */
const ACCELERATOR_FAMILY = /^(?:a|g)[2-9]\w*-/;

/** Tau T2A and Axion; the file has no column for the architecture. */
const ARM_FAMILY = /^(?:t2a|c4a|n4a)-/;

export function gcpHostArch(instanceType: string): CpuArch | null {
  return ARM_FAMILY.test(instanceType) ? 'arm' : null;
}

/** Names of the hosts by SkyPilot's name of the accelerator; the number in the middle is how many it takes. */
const HOSTS: ReadonlyMap<string, readonly RegExp[]> = new Map([
  ['A100', [/^a2-highgpu-(\d+)g$/, /^a2-megagpu-(\d+)g$/]],
  ['A100-80GB', [/^a2-ultragpu-(\d+)g$/]],
  ['H100', [/^a3-(?:highgpu|edgegpu)-(\d+)g(?:-nolssd)?$/]],
  ['H100-MEGA', [/^a3-megagpu-(\d+)g(?:-nolssd)?$/]],
  ['H200', [/^a3-ultragpu-(\d+)g(?:-nolssd)?$/]],
  ['B200', [/^a4-highgpu-(\d+)g(?:-nolssd)?$/]],
  ['GB200', [/^a4x-highgpu-(\d+)g(?:-nolssd)?$/]],
]);

/** Hosts whose names tell vCPUs: how many accelerators each takes. */
const HOSTS_BY_CPUS: ReadonlyMap<string, { readonly host: RegExp; readonly counts: ReadonlyMap<number, number> }> =
  new Map([
    [
      'L4',
      {
        host: /^g2-standard-(\d+)$/,
        counts: counts([4, 1], [8, 1], [12, 1], [16, 1], [32, 1], [24, 2], [48, 4], [96, 8]),
      },
    ],
    ['RTXPRO6000', { host: /^g4-standard-(\d+)$/, counts: counts([48, 1], [96, 2], [192, 4], [384, 8]) }],
  ]);

/** Attached to N1 hosts of up to so many vCPUs and GiB. Where zones differ, the smaller bound. */
const N1_BOUNDS: ReadonlyMap<string, ReadonlyMap<number, readonly [cpus: number, memoryGib: number]>> = new Map([
  [
    'K80',
    new Map([
      [1, [8, 52]],
      [2, [16, 104]],
      [4, [32, 208]],
      [8, [64, 208]],
    ]),
  ],
  [
    'P4',
    new Map([
      [1, [24, 156]],
      [2, [48, 312]],
      [4, [96, 624]],
    ]),
  ],
  [
    'P100',
    new Map([
      [1, [16, 104]],
      [2, [32, 208]],
      [4, [64, 208]],
    ]),
  ],
  [
    'V100',
    new Map([
      [1, [12, 78]],
      [2, [24, 156]],
      [4, [48, 312]],
      [8, [96, 624]],
    ]),
  ],
  [
    'T4',
    new Map([
      [1, [48, 312]],
      [2, [48, 312]],
      [4, [96, 624]],
    ]),
  ],
]);

function counts(...pairs: readonly (readonly [cpus: number, accelerators: number])[]): ReadonlyMap<number, number> {
  return new Map(pairs);
}

/** One host of a slice: chips, vCPUs, GiB. The first one is that of slices of several hosts. */
const TPU_HOSTS: ReadonlyMap<string, readonly (readonly [chips: number, cpus: number, memoryGib: number])[]> = new Map([
  ['v2', [[4, 96, 334]]],
  ['v3', [[4, 96, 334]]],
  ['v4', [[4, 240, 407]]],
  ['v5p', [[4, 208, 448]]],
  [
    'v5litepod',
    [
      [4, 112, 192],
      [1, 24, 48],
      [8, 224, 384],
    ],
  ],
  [
    'v6e',
    [
      [4, 180, 720],
      [1, 44, 176],
      [8, 180, 1440],
    ],
  ],
]);

/** Emits what can be bought: hosts alone, hosts with accelerators, slices of TPUs. */
export function joinGcp(entries: readonly SkypilotEntry[], count: ImportCount, emit: EmitEntry): void {
  const hosts = new Map<string, SkypilotEntry[]>();
  for (const entry of entries) {
    if (entry.shape.instanceType === '') continue;
    if (entry.shape.accelerator !== '' || !ACCELERATOR_FAMILY.test(entry.shape.instanceType)) emit(entry);
    if (entry.shape.accelerator !== '') continue;
    const place = placeKey(entry);
    const there = hosts.get(place);
    if (there === undefined) hosts.set(place, [entry]);
    else there.push(entry);
  }
  for (const entry of entries) {
    if (entry.shape.instanceType !== '') continue;
    const slice = tpuSlice(entry);
    if (slice !== null) {
      emit(slice);
      continue;
    }
    const fitting = (hosts.get(placeKey(entry)) ?? []).filter((host) => takes(host.shape, entry.shape));
    for (const host of fitting) emit(together(host, entry));
    if (fitting.length === 0) {
      const what = `${entry.shape.count} × ${entry.shape.accelerator}`;
      count.reject(entry.row, 'AcceleratorName', 'has no host in its zone that takes so many', what);
    }
  }
}

function placeKey({ region, zone }: SkypilotEntry): string {
  return `${region}\n${zone}`;
}

function together(host: SkypilotEntry, accelerator: SkypilotEntry): SkypilotEntry {
  const { accelerator: name, count, gpuInfo } = accelerator.shape;
  return {
    ...accelerator,
    shape: { ...host.shape, accelerator: name, count, gpuInfo },
    price: sum(host.price, accelerator.price),
    spotPrice: sum(host.spotPrice, accelerator.spotPrice),
  };
}

/** Both parts are needed; binary fractions must not show in a price. */
function sum(host: number | null, accelerator: number | null): number | null {
  return host === null || accelerator === null ? null : Number((host + accelerator).toFixed(6));
}

function takes(host: SkypilotShape, accelerator: SkypilotShape): boolean {
  const { accelerator: name, count } = accelerator;
  const named = HOSTS.get(name);
  if (named !== undefined) return named.some((pattern) => Number(pattern.exec(host.instanceType)?.[1]) === count);
  const canonical = resolveAccelerator(name)?.name ?? name;
  const sized = HOSTS_BY_CPUS.get(canonical);
  if (sized !== undefined) return sized.counts.get(Number(sized.host.exec(host.instanceType)?.[1])) === count;
  const bound = N1_BOUNDS.get(canonical)?.get(count ?? 0);
  if (bound === undefined || !host.instanceType.startsWith('n1-')) return false;
  const [cpus, memoryGib] = bound;
  return (host.cpus ?? Number.POSITIVE_INFINITY) <= cpus && (host.memoryGib ?? Number.POSITIVE_INFINITY) <= memoryGib;
}

/** A slice's price holds its hosts already; their size is filled in. Null: no slice of TPUs. */
function tpuSlice(entry: SkypilotEntry): SkypilotEntry | null {
  const { shape } = entry;
  const tpu = resolveAccelerator(shape.accelerator);
  if (tpu?.count == null) return null;
  const chips = tpu.count * (shape.count ?? 1);
  const kinds = TPU_HOSTS.get(tpu.name) ?? [];
  const whole = kinds.find(([size]) => size === chips) ?? kinds[0];
  const hosts = whole === undefined ? 0 : Math.ceil(chips / whole[0]);
  return {
    ...entry,
    shape: {
      ...shape,
      instanceType: shape.accelerator,
      cpus: shape.cpus ?? (whole === undefined ? null : hosts * whole[1]),
      memoryGib: shape.memoryGib ?? (whole === undefined ? null : hosts * whole[2]),
    },
  };
}
