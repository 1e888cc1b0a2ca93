/** Versions of TPUs: how many chips a name stands for, what hosts them, how they are billed. */

import type { Rates } from './rates.ts';
import type { Terms } from './sku.ts';

interface Host {
  readonly chips: number;
  readonly cpus: number;
  readonly memoryGiB: number;
}

interface Version {
  /** The registry's name. */
  readonly name: string;
  /** What the number in a name counts: `v5p-8` has 8 cores on 4 chips, `v6e-8` 8 chips. */
  readonly counts: 'chips' | 'cores';
  /** Smallest first. Slices that no single host holds are made of hosts with 4 chips. */
  readonly hosts: readonly Host[];
  /** Keys of the SKUs; the pod's price is that of slices of several hosts. */
  readonly sku: string;
  readonly podSku: string | null;
  /** Chips that the SKU's price pays for: 8 cores of the first versions. */
  readonly chipsPerSku: 1 | 4;
}

function host(chips: number, cpus: number, memoryGiB: number): Host {
  return { chips, cpus, memoryGiB };
}

/** Sources: https://cloud.google.com/tpu/docs/system-architecture-tpu-vm and the page of each version. */
const VERSIONS: readonly Version[] = [
  { name: 'v2', counts: 'cores', hosts: [host(4, 96, 334)], sku: 'v2', podSku: 'v2 pod', chipsPerSku: 4 },
  { name: 'v3', counts: 'cores', hosts: [host(4, 96, 334)], sku: 'v3', podSku: 'v3 pod', chipsPerSku: 4 },
  // There is no price of its own for one host.
  { name: 'v4', counts: 'cores', hosts: [host(4, 240, 400)], sku: 'v4 pod', podSku: null, chipsPerSku: 4 },
  {
    name: 'v5litepod',
    counts: 'chips',
    hosts: [host(1, 24, 48), host(4, 112, 192), host(8, 224, 384)],
    sku: 'v5e',
    podSku: null,
    chipsPerSku: 1,
  },
  { name: 'v5p', counts: 'cores', hosts: [host(4, 208, 448)], sku: 'v5p', podSku: null, chipsPerSku: 1 },
  {
    name: 'v6e',
    counts: 'chips',
    hosts: [host(1, 44, 176), host(4, 180, 720), host(8, 180, 1440)],
    sku: 'v6e',
    podSku: null,
    chipsPerSku: 1,
  },
  { name: 'tpu7x', counts: 'cores', hosts: [host(4, 224, 960)], sku: 'v7x', podSku: null, chipsPerSku: 1 },
];

const HOST_OF_SEVERAL = 4;

export interface Slice {
  readonly version: string;
  readonly chips: number;
  readonly hosts: number;
  /** Of all hosts. */
  readonly cpus: number;
  readonly memoryGiB: number;
}

/** `v5litepod-16` → 16 chips on 4 hosts; or why the name is not understood. `topology`: `2x2x1`, if told. */
export function sliceOf(type: string, topology: string | null): Slice | { readonly reason: string } {
  const [, name, number] = /^(.+)-(\d+)$/.exec(type) ?? [];
  const version = VERSIONS.find((known) => known.name === name);
  if (version === undefined || number === undefined) return { reason: 'this version of TPUs is not known' };
  const chips = version.counts === 'chips' ? Number(number) : Number(number) / 2;
  const laidOut = topology === null ? chips : chipsOf(topology);
  if (laidOut !== chips)
    return { reason: `its name stands for ${chips} chips, its topology ${topology} for ${laidOut}` };
  const single = version.hosts.find((known) => known.chips === chips);
  const several = version.hosts.find((known) => known.chips === HOST_OF_SEVERAL);
  const used = single ?? several;
  const hosts = used === undefined ? 0 : chips / used.chips;
  if (used === undefined || !Number.isInteger(hosts)) return { reason: `no host is known for ${chips} chips` };
  return { version: version.name, chips, hosts, cpus: hosts * used.cpus, memoryGiB: hosts * used.memoryGiB };
}

/** Null: no list of numbers. */
function chipsOf(topology: string): number | null {
  const sides = topology.split('x').map(Number);
  const chips = sides.reduce((product, side) => product * side, 1);
  return Number.isInteger(chips) && chips > 0 ? chips : null;
}

/**
 * US dollars per chip and hour; null: no price there, which is never made up. The first versions cost
 * another price in slices of several hosts.
 */
export function tpuRate(rates: Rates, region: string, terms: Terms, version: string, chips: number): number | null {
  const known = VERSIONS.find(({ name }) => name === version);
  if (known === undefined) return null;
  const severalHosts = chips > HOST_OF_SEVERAL;
  const key = known.podSku !== null && severalHosts ? known.podSku : known.sku;
  const rate = rates.get(region, terms, 'tpu', key);
  return rate === null ? null : rate / known.chipsPerSku;
}

const MACHINE_FAMILIES: Readonly<Record<string, string>> = {
  ct5l: 'v5litepod',
  ct5lp: 'v5litepod',
  ct5p: 'v5p',
  ct6e: 'v6e',
  tpu7x: 'tpu7x',
};

/** `ct6e-standard-4t` → 4 chips of v6e; null: no machine with TPUs. */
export function tpuMachine(type: string): { readonly version: string; readonly chips: number } | null {
  const [, family, chips] = /^(\w+)-\w+-(\d+)t$/.exec(type) ?? [];
  const version = family === undefined ? undefined : MACHINE_FAMILIES[family];
  return version === undefined ? null : { version, chips: Number(chips) };
}
