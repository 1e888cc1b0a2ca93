import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { ApiError } from './api-error.ts';
import { InstanceTable, lastingSecret, openDatabase } from './database.ts';
import type { WorldChange } from './fault.ts';
import { ArmedFaults } from './fault.ts';
import { billed, costAt } from './instance.ts';
import { FOR_EVER, Keys } from './keys.ts';
import { Lifecycle } from './lifecycle.ts';
import { DockerMachines } from './machines/docker.ts';
import type { MachineDriver } from './machines/driver.ts';
import { PaperMachines } from './machines/paper.ts';
import { ProcessMachines } from './machines/process.ts';
import { Market } from './market.ts';
import type { CloudOptions } from './options.ts';

/** The truth about one machine: see API.md, "Admin and faults". */
export interface MachineReport {
  readonly instance_id: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly region: string;
  readonly instance_type: string;
  readonly spot: boolean;
  readonly status: string;
  readonly machine: 'running' | 'stopped' | 'absent';
  readonly ssh_public_keys: readonly string[];
  readonly billed: 'full' | 'disk' | 'none';
  readonly cost_cents: number;
}

/** The cloud without its API: what it knows, and the machines. */
export class Cloud {
  readonly options: CloudOptions;
  readonly adminToken: string;
  readonly instances: InstanceTable;
  readonly keys: Keys;
  readonly market: Market;
  readonly faults = new ArmedFaults();
  readonly lifecycle: Lifecycle;
  readonly #db: DatabaseSync;
  readonly #driver: MachineDriver;
  #listLagMs: number;

  constructor(options: CloudOptions) {
    this.options = options;
    this.#db = openDatabase(options.dataDir);
    this.adminToken = lastingSecret(this.#db, 'admin token', 20);
    this.instances = new InstanceTable(this.#db);
    this.keys = new Keys(this.#db);
    this.market = new Market(this.#db, options.quotaVcpus);
    this.#driver = driverOf(options, lastingSecret(this.#db, 'cloud id', 4));
    this.lifecycle = new Lifecycle(this.instances, this.#driver, options);
    this.#listLagMs = options.listLagMs;
  }

  get listLagMs(): number {
    return this.#listLagMs;
  }

  /** How the account is called. */
  account(): { readonly id: string; readonly name: string } {
    return { id: `fa-${lastingSecret(this.#db, 'account id', 4)}`, name: 'fluffy' };
  }

  /** Something about the world is otherwise from now on. @throws ApiError `not-found` */
  change(change: WorldChange): void {
    switch (change.kind) {
      case 'stock':
        for (const spot of change.spot === undefined ? [false, true] : [change.spot]) {
          this.market.setStock(change.region, change.instance_type, spot, change.left);
        }
        return;
      case 'quota':
        this.market.setQuota(change.region, change.vcpus);
        return;
      case 'price':
        this.market.setPrice(change.instance_type, {
          onDemandCents: change.on_demand_cents,
          spotCents: change.spot_cents,
        });
        return;
      case 'list-lag':
        this.#listLagMs = change.ms;
        return;
      case 'times':
        this.lifecycle.setTimes({ bootMs: change.boot_ms, stopMs: change.stop_ms });
        return;
      case 'revoke-keys':
        if (!this.keys.revoke(change.key_id, Math.min(Date.now() + change.for_ms, FOR_EVER))) {
          throw new ApiError('not-found', `no key ${change.key_id ?? 'at all'}`);
        }
        return;
      case 'kill':
        if (this.instances.get(change.instance_id) === undefined) {
          throw new ApiError('not-found', `no instance ${change.instance_id}`);
        }
        this.lifecycle.kill(change.instance_id, change.reason);
        return;
    }
  }

  /** What exists and what is billed, whatever the API says. */
  async report(withTerminated: boolean): Promise<MachineReport[]> {
    const machines = new Map(await this.#driver.list());
    const now = Date.now();
    const instances = withTerminated ? this.instances.all() : this.instances.alive();
    const reports = instances.map((instance): MachineReport => {
      const machine = machines.get(instance.id) ?? 'absent';
      machines.delete(instance.id);
      return {
        instance_id: instance.id,
        name: instance.name,
        tags: instance.tags,
        region: instance.region,
        instance_type: instance.instanceType,
        spot: instance.spot,
        status: instance.status,
        machine,
        ssh_public_keys: instance.sshPublicKeys,
        billed: billed(instance.status),
        cost_cents: costAt(instance, now),
      };
    });
    for (const [id, machine] of machines) {
      const instance = this.instances.get(id);
      reports.push({
        instance_id: id,
        name: instance?.name ?? '',
        tags: instance?.tags ?? {},
        region: instance?.region ?? '',
        instance_type: instance?.instanceType ?? '',
        spot: instance?.spot ?? false,
        status: instance?.status ?? 'unknown',
        machine,
        ssh_public_keys: instance?.sshPublicKeys ?? [],
        billed: 'none',
        cost_cents: instance?.costCents ?? 0,
      });
    }
    return reports;
  }

  /** Leaves the machines running, and everything on disk for the next process. */
  async end(): Promise<void> {
    await this.lifecycle.end();
    this.#db.close();
  }

  /** Ends every machine and removes everything. */
  async destroy(): Promise<void> {
    await this.lifecycle.end();
    const ids = new Set([...this.instances.alive().map(({ id }) => id), ...(await this.#driver.list()).keys()]);
    await Promise.all([...ids].map((id) => this.#driver.destroy(id)));
    await this.#driver.removeShared();
    this.#db.close();
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(join(this.options.dataDir, `fluffycloud.db${suffix}`), { force: true });
    }
  }
}

function driverOf(options: CloudOptions, cloudId: string): MachineDriver {
  switch (options.machines) {
    case 'docker':
      return new DockerMachines(cloudId);
    case 'process':
      return new ProcessMachines(options.dataDir, cloudId);
    case 'paper':
      return new PaperMachines();
  }
}
