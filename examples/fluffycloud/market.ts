import type { DatabaseSync } from 'node:sqlite';
import type { InstanceType } from './catalog.ts';
import { INSTANCE_TYPES, REGIONS } from './catalog.ts';

export interface Price {
  readonly onDemandCents: number;
  readonly spotCents: number | null;
}

/** What changes about the things that are sold: stock, prices and the account's quotas. */
export class Market {
  readonly #db: DatabaseSync;
  readonly #quotaVcpus: number;

  constructor(db: DatabaseSync, quotaVcpus: number) {
    this.#db = db;
    this.#quotaVcpus = quotaVcpus;
  }

  /** How many more can be launched; null: any number. */
  stock(region: string, instanceType: string, spot: boolean): number | null {
    const row = this.#db
      .prepare('SELECT left_over FROM stock WHERE region = ? AND instance_type = ? AND spot = ?')
      .get(region, instanceType, Number(spot));
    return row === undefined ? null : Number(row['left_over']);
  }

  setStock(region: string, instanceType: string, spot: boolean, left: number | null): void {
    const place = [region, instanceType, Number(spot)] as const;
    if (left === null) {
      this.#db.prepare('DELETE FROM stock WHERE region = ? AND instance_type = ? AND spot = ?').run(...place);
    } else {
      this.#db.prepare('INSERT OR REPLACE INTO stock VALUES (?, ?, ?, ?)').run(...place, left);
    }
  }

  /** One machine fewer. False: there is none. */
  take(region: string, instanceType: string, spot: boolean): boolean {
    const left = this.stock(region, instanceType, spot);
    if (left === 0) return false;
    if (left !== null) this.setStock(region, instanceType, spot, left - 1);
    return true;
  }

  /** vCPUs that the account may have in the region. */
  quota(region: string): number {
    const row = this.#db.prepare('SELECT vcpus FROM quotas WHERE region = ?').get(region);
    return row === undefined ? this.#quotaVcpus : Number(row['vcpus']);
  }

  /** `region` undefined: in each. */
  setQuota(region: string | undefined, vcpus: number): void {
    const names = region === undefined ? REGIONS.map(({ name }) => name) : [region];
    for (const name of names) this.#db.prepare('INSERT OR REPLACE INTO quotas VALUES (?, ?)').run(name, vcpus);
  }

  price(type: InstanceType): Price {
    const row = this.#db.prepare('SELECT on_demand, spot FROM prices WHERE instance_type = ?').get(type.name);
    if (row === undefined) return { onDemandCents: type.onDemandCents, spotCents: type.spotCents };
    return { onDemandCents: Number(row['on_demand']), spotCents: row['spot'] === null ? null : Number(row['spot']) };
  }

  setPrice(instanceType: string, price: Price): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO prices VALUES (?, ?, ?)')
      .run(instanceType, price.onDemandCents, price.spotCents);
  }

  /** All types as the API tells of them. */
  list(): { readonly seq: number; readonly json: Record<string, unknown> }[] {
    return INSTANCE_TYPES.map((type, index) => ({ seq: index + 1, json: this.#toJson(type) }));
  }

  #toJson(type: InstanceType): Record<string, unknown> {
    const price = this.price(type);
    const inStock = (region: string): Record<string, unknown> => ({
      in_stock: {
        on_demand: this.stock(region, type.name, false) !== 0,
        spot: price.spotCents !== null && this.stock(region, type.name, true) !== 0,
      },
    });
    const { gpus } = type;
    return {
      name: type.name,
      vcpus: type.vcpus,
      memory_mib: type.memoryMib,
      disk_gb: type.diskGb,
      cpu_arch: 'x86_64',
      gpus:
        gpus === null
          ? null
          : { model: gpus.model, vendor: gpus.vendor, count: gpus.count, memory_mib: gpus.memoryMib },
      price_per_hour_cents: { on_demand: price.onDemandCents, spot: price.spotCents },
      regions: Object.fromEntries(type.regions.map((region) => [region, inStock(region)])),
    };
  }
}
