/** The columns of a generic price table, by the names that such tables give them. */

export const PRICE_TABLE_COLUMNS = {
  instanceType: ['instance_type', 'instance_name', 'instance', 'type', 'sku', 'plan', 'shape', 'machine_type', 'name'],
  region: ['region', 'region_code', 'location', 'datacenter', 'data_center'],
  zone: ['zone', 'availability_zone', 'az'],
  country: ['country', 'country_code'],
  /** US dollars per hour for the whole machine. */
  price: [
    'on_demand_usd_per_hour',
    'usd_per_hour',
    'price_per_hour',
    'price_usd_per_hour',
    'hourly_price',
    'hourly_usd',
    'on_demand_price',
    'on_demand',
    'price',
  ],
  spotPrice: ['spot_usd_per_hour', 'spot_price_per_hour', 'spot_price', 'spot_usd'],
  cpus: ['vcpus', 'vcpu', 'cpus', 'cpu', 'cpu_cores', 'cores'],
  /** GiB where no unit is written. */
  memory: ['memory_label', 'memory_gib', 'memory_gb', 'memory', 'ram_gib', 'ram_gb', 'ram'],
  arch: ['cpu_arch', 'arch', 'architecture'],
  accelerator: ['gpu_label', 'accelerator_name', 'accelerator', 'gpu_name', 'gpu_model', 'gpu_type', 'gpu'],
  count: ['gpu_count', 'accelerator_count', 'gpus', 'num_gpus'],
  /** Of one device or of all: decided by the sizes that the device is made with. */
  acceleratorMemory: [
    'gpu_memory_label',
    'gpu_memory_gib',
    'gpu_memory_gb',
    'gpu_memory',
    'accelerator_memory',
    'vram_gb',
    'vram',
  ],
  disk: ['storage_label', 'local_disk', 'disk_size', 'disk_gb', 'storage_gb', 'storage', 'disk'],
  network: ['network_label', 'network_gbps', 'network', 'bandwidth_gbps'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type PriceTableColumn = keyof typeof PRICE_TABLE_COLUMNS;

/** `Instance Type`, `instance-type` and `InstanceType` are one name. */
function foldColumnName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** The index of each column that the table has, by its first name in the order above. */
export function findPriceTableColumns(names: readonly string[]): ReadonlyMap<PriceTableColumn, number> {
  const folded = names.map(foldColumnName);
  const found = new Map<PriceTableColumn, number>();
  for (const [column, synonyms] of Object.entries(PRICE_TABLE_COLUMNS)) {
    const at = synonyms.map((name) => folded.indexOf(foldColumnName(name))).find((index) => index >= 0);
    // The keys of the table are its columns.
    if (at !== undefined) found.set(column as PriceTableColumn, at);
  }
  return found;
}
