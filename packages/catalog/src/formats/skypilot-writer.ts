/** Writes SkyPilot's `vms.csv`, schemas v8 and v9, of one cloud. */

import type { CatalogOffer } from '../catalog-offer.ts';
import { csvRow } from './csv-text.ts';
import { pythonFloat } from './python-text.ts';
import { accelerateCells } from './skypilot-gpu-info.ts';

export type SkypilotSchema = 'v8' | 'v9';

const V8 = [
  'InstanceType',
  'AcceleratorName',
  'AcceleratorCount',
  'vCPUs',
  'MemoryGiB',
  'GpuInfo',
  'Price',
  'SpotPrice',
  'Region',
  'AvailabilityZone',
  'Arch',
] as const;
const V9 = [...V8, 'LocalDiskType', 'NVMeSupported', 'LocalDiskSize', 'LocalDiskCount'] as const;

const GB_PER_MIB = (1024 * 1024) / 1e9;

interface Prices {
  readonly offer: CatalogOffer;
  onDemand: number | null;
  spot: number | null;
}

/**
 * On-demand and spot price of one shape in one place share a row. What the format has no column for is
 * left away: country, flags, provider data, interconnect, network, availability, form factor and age,
 * and in v8 the disk. Of several offers that then say the same, the cheapest is written.
 */
export class SkypilotVms {
  readonly #schema: SkypilotSchema;
  readonly #rows = new Map<string, Prices>();

  constructor(schema: SkypilotSchema) {
    this.#schema = schema;
  }

  /** Null, or why the format cannot hold this offer, which is then left out. */
  add(offer: CatalogOffer): string | null {
    const reason = whyNotSkypilot(offer);
    if (reason !== null) return reason;
    const key = shapeCells(offer, this.#schema).join('\n');
    const row = this.#rows.get(key) ?? { offer, onDemand: null, spot: null };
    const price = offer.capacityType === 'spot' ? 'spot' : 'onDemand';
    row[price] = Math.min(row[price] ?? Number.POSITIVE_INFINITY, offer.pricePerHour);
    this.#rows.set(key, row);
    return null;
  }

  /** The whole file. */
  text(): string {
    const lines = [csvRow(this.#schema === 'v9' ? V9 : V8)];
    for (const { offer, onDemand, spot } of this.#rows.values()) {
      const cells = shapeCells(offer, this.#schema);
      lines.push(csvRow([...cells.slice(0, 6), optional(onDemand), optional(spot), ...cells.slice(6)]));
    }
    return lines.join('');
  }
}

/** Why SkyPilot's catalog cannot hold this offer; null: it can. */
export function whyNotSkypilot(offer: CatalogOffer): string | null {
  if (offer.capacityType === 'reserved') return 'it is reserved capacity';
  if (offer.accelerator === null) return null;
  if (offer.backend === 'gcp') return 'SkyPilot prices hosts and accelerators of GCP apart';
  return /[\u0000-\u001f]/.test(offer.accelerator.name) ? "the accelerator's name has control characters" : null;
}

/** All cells but the prices. */
function shapeCells(offer: CatalogOffer, schema: SkypilotSchema): string[] {
  const accelerator = offer.accelerator === null ? null : accelerateCells(offer.accelerator);
  const cells = [
    offer.instanceType,
    accelerator?.name ?? '',
    optional(accelerator?.count ?? null),
    pythonFloat(offer.cpus),
    pythonFloat(offer.memoryMiB / 1024),
    accelerator?.gpuInfo ?? '',
    offer.region,
    offer.zone ?? '',
    offer.cpuArch === 'arm' ? 'arm64' : 'x86_64',
  ];
  if (schema === 'v8') return cells;
  const disk = offer.diskMiB === null ? null : offer.diskMiB * GB_PER_MIB;
  return [...cells, disk === null ? '' : 'ssd', '', optional(disk), optional(disk === null ? null : 1)];
}

function optional(value: number | null): string {
  return value === null ? '' : pythonFloat(value);
}
