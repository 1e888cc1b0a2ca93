/** What a cloud sells, and what a workload asks for. Matching is in `match.ts`. */

export const ACCELERATOR_VENDORS = [
  'nvidia',
  'amd',
  'google',
  'aws',
  'intel',
  'tenstorrent',
  'qualcomm',
  'arm',
  'xilinx',
] as const;
export type AcceleratorVendor = (typeof ACCELERATOR_VENDORS)[number];

export const CPU_ARCHS = ['x86', 'arm'] as const;
export type CpuArch = (typeof CPU_ARCHS)[number];

/** The catalog's files hold positions in this list: add at the end, and never remove. */
export const CAPACITY_TYPES = ['on-demand', 'spot', 'reserved'] as const;
export type CapacityType = (typeof CAPACITY_TYPES)[number];
/** Those that a price history is asked for. */
export const HISTORY_CAPACITY_TYPES = ['on-demand', 'spot'] as const satisfies readonly CapacityType[];

/** `accelerator.name` is the registry's canonical name, or the cloud's own label when `known` is false. */
export interface AcceleratorCount {
  readonly name: string;
  readonly vendor: AcceleratorVendor;
  readonly count: number;
  /** Memory of one device. */
  readonly memoryMiB: number;
  readonly known: boolean;
}

export interface InstanceResources {
  readonly cpus: number;
  readonly cpuArch: CpuArch;
  readonly memoryMiB: number;
  readonly diskMiB: number;
  /** Empty: no accelerator. More than one entry: a host with different devices. */
  readonly accelerators: readonly AcceleratorCount[];
}

/**
 * Never mixed with price: what a price list says and what is in stock are two facts. The catalog's files hold
 * positions in this list: add at the end, and never remove.
 */
export const AVAILABILITIES = ['unknown', 'available', 'not-available', 'no-quota', 'idle', 'busy'] as const;
export type Availability = (typeof AVAILABILITIES)[number];

export interface Offer {
  /** Stable: made of backend, instance type, region, zone and capacity type (`offerId`). */
  readonly id: string;
  /** Name of the configured backend. */
  readonly backend: string;
  readonly instanceType: string;
  readonly region: string;
  readonly zone: string | null;
  readonly capacityType: CapacityType;
  /** US dollars per hour for the whole machine. */
  readonly pricePerHour: number;
  readonly availability: Availability;
  readonly resources: InstanceResources;
  /** Facets that are needed and that its backend does not have (`withFacets`): it fits nobody. */
  readonly lacks?: readonly string[];
  /** The capacity that the account has paid for, which a machine made of this offer uses. */
  readonly reservation?: string;
  /** Opaque to everybody but the backend that made it. */
  readonly providerData?: Readonly<Record<string, unknown>>;
}

export type OfferIdentity = Pick<Offer, 'backend' | 'instanceType' | 'region' | 'zone' | 'capacityType'>;

export function offerId(offer: OfferIdentity): string {
  return [offer.backend, offer.region, offer.zone ?? '-', offer.instanceType, offer.capacityType].join('/');
}

/** `price-per-gpu`: of the machine, by its devices. `price-per-gpu-gib`: by their memory in all. */
export const OFFER_SORTS = ['price', 'price-per-gpu', 'price-per-gpu-gib'] as const;
export type OfferSort = (typeof OFFER_SORTS)[number];

export const OFFER_GROUP_KEYS = ['gpu', 'backend', 'region', 'count'] as const;
export type OfferGroupKey = (typeof OFFER_GROUP_KEYS)[number];

/** Both ends included; null is open. */
export interface Range {
  readonly min: number | null;
  readonly max: number | null;
}

export interface GpuRequirement {
  readonly vendor: AcceleratorVendor | null;
  /** Canonical names; null: any. */
  readonly names: readonly string[] | null;
  readonly count: Range;
  /** MiB of one device. */
  readonly memoryMiB: Range | null;
  /** MiB of all devices together. */
  readonly totalMemoryMiB: Range | null;
  /** Minimum [major, minor]; excludes devices that are not NVIDIA's. */
  readonly computeCapability: readonly [number, number] | null;
}

export interface Requirements {
  readonly cpu: Range;
  readonly cpuArch: CpuArch | null;
  readonly memoryMiB: Range;
  readonly diskMiB: Range | null;
  readonly shmMiB: number | null;
  readonly gpu: GpuRequirement | null;
  readonly capacityTypes: readonly CapacityType[];
  readonly maxPricePerHour: number | null;
  /** Each list: null means any. */
  readonly backends: readonly string[] | null;
  readonly regions: readonly string[] | null;
  readonly zones: readonly string[] | null;
  readonly instanceTypes: readonly string[] | null;
  /** The cloud's id of a reservation; absent: none. */
  readonly reservation?: string;
}
