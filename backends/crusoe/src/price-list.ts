/**
 * The API tells no prices, so those of Crusoe's price page stand here, as facts with a date. What the page
 * offers for a talk with sales ("Contact sales": B200, GB200, every spot price) has no price, and gets none.
 */
import { type FormFactor, resolveAccelerator } from '@berth/core/accelerators';
import type { VmType } from './crusoe-api.ts';

export const PRICE_LIST = { source: 'https://www.crusoe.ai/cloud/pricing', asOf: '2026-09-20' } as const;

interface DevicePrice {
  readonly name: string;
  readonly memoryGib: number;
  /** Null: the device is sold in one form only. */
  readonly formFactor: FormFactor | null;
  /** US dollars per device and hour, with its share of CPU and memory. */
  readonly usd: number;
}

const PER_DEVICE: readonly DevicePrice[] = [
  { name: 'H200', memoryGib: 141, formFactor: null, usd: 4.29 },
  { name: 'H100', memoryGib: 80, formFactor: 'SXM', usd: 3.9 },
  { name: 'A100', memoryGib: 80, formFactor: 'SXM', usd: 2.3 },
  { name: 'A100', memoryGib: 80, formFactor: 'PCIe', usd: 2 },
  { name: 'L40S', memoryGib: 48, formFactor: null, usd: 1.5 },
  { name: 'MI300X', memoryGib: 192, formFactor: null, usd: 3.45 },
];

/** US dollars per vCPU and hour, by the family of the type: general-purpose and storage-optimized. */
const PER_VCPU: Readonly<Record<string, number>> = { c1a: 0.04, s1a: 0.09 };

export type Price = { readonly usdPerHour: number } | { readonly unpriced: string };

/** For the whole machine, on demand. */
export function priceOf(type: Pick<VmType, 'product_name' | 'cpu_cores' | 'num_gpu' | 'gpu_type'>): Price {
  if (type.num_gpu > 0) return priceOfDevices(type.gpu_type, type.num_gpu);
  const family = type.product_name.split('.')[0] ?? '';
  const usd = PER_VCPU[family];
  return usd === undefined ? missing(`vCPUs of ${family}`) : { usdPerHour: toCents(usd * type.cpu_cores) };
}

function priceOfDevices(label: string, count: number): Price {
  const device = resolveAccelerator(label);
  const fitting = PER_DEVICE.filter(
    ({ name, memoryGib, formFactor }) =>
      device?.name === name &&
      (device.memoryMiB === null || device.memoryMiB === memoryGib * 1024) &&
      (device.formFactor === null || formFactor === null || device.formFactor === formFactor),
  );
  const [price, another] = fitting;
  if (price === undefined) return missing(label);
  if (another === undefined) return { usdPerHour: toCents(price.usd * count) };
  return { unpriced: `the price list of ${PRICE_LIST.asOf} has several prices for ${label}` };
}

function missing(what: string): Price {
  return { unpriced: `the price list of ${PRICE_LIST.asOf} has no price for ${what}` };
}

/** 3 × 0.1 is not 0.3; the list has whole cents. */
function toCents(usd: number): number {
  return Math.round(usd * 100) / 100;
}
