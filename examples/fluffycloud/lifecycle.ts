import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceTable } from './database.ts';
import type { Instance, StatusReason } from './instance.ts';
import { inStatus } from './instance.ts';
import type { MachineDriver, MachineSpec } from './machines/driver.ts';

/** How often it is looked whether a machine ended by itself. */
const WATCH_MS = 500;
/** After a driver's failure. */
const RETRY_MS = 500;
const BOOT_ATTEMPTS = 3;

export interface LifecycleOptions {
  readonly bootMs: number;
  readonly stopMs: number;
  readonly log: (line: string) => void;
}

/**
 * Makes machines follow their instances' status. The status on disk says what is to be done, so a cloud that was
 * killed goes on where it was. One task per instance, so never two hands on one machine.
 */
export class Lifecycle {
  readonly #instances: InstanceTable;
  readonly #driver: MachineDriver;
  readonly #options: LifecycleOptions;
  /** What booting, and stopping or ending, take at least. */
  #times: { readonly bootMs: number; readonly stopMs: number };
  readonly #tasks = new Map<string, { readonly done: Promise<void>; wake: AbortController }>();
  readonly #end = new AbortController();
  #watching: Promise<void> = Promise.resolve();

  constructor(instances: InstanceTable, driver: MachineDriver, options: LifecycleOptions) {
    this.#instances = instances;
    this.#driver = driver;
    this.#options = options;
    this.#times = options;
  }

  /** What is absent stays as it is; what is under way was told before. */
  setTimes(times: { readonly bootMs: number | undefined; readonly stopMs: number | undefined }): void {
    const { bootMs = this.#times.bootMs, stopMs = this.#times.stopMs } = times;
    this.#times = { bootMs, stopMs };
  }

  /** Takes up what an earlier process had begun, and removes machines that nobody knows. */
  async begin(): Promise<void> {
    const alive = this.#instances.alive();
    const known = new Set(alive.map(({ id }) => id));
    for (const id of (await this.#driver.list()).keys()) if (!known.has(id)) await this.#driver.destroy(id);
    for (const { id } of alive) this.follow(id);
    this.#watching = this.#watch();
  }

  /** To be called whenever an instance got a new status. */
  follow(id: string): void {
    const task = this.#tasks.get(id);
    if (task !== undefined) {
      task.wake.abort();
      return;
    }
    if (this.#end.signal.aborted) return;
    const entry = { wake: new AbortController(), done: Promise.resolve() };
    this.#tasks.set(id, entry);
    Object.assign(entry, { done: this.#follow(id, entry) });
  }

  /** Gone at once, with everything on it, whatever it was doing. */
  kill(id: string, reason: StatusReason): void {
    const instance = this.#instances.get(id);
    if (instance === undefined || instance.status === 'terminated') return;
    this.#save(inStatus(instance, 'terminating', Date.now() - this.#times.stopMs, { reason }));
    this.follow(id);
  }

  async idle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all([...this.#tasks.values()].map(({ done }) => done));
  }

  /** Leaves every machine as it is. */
  async end(): Promise<void> {
    this.#end.abort();
    for (const { wake } of this.#tasks.values()) wake.abort();
    await this.#watching;
    await this.idle();
  }

  async #follow(id: string, entry: { wake: AbortController }): Promise<void> {
    for (let failures = 0; !this.#end.signal.aborted; ) {
      const instance = this.#instances.get(id);
      if (instance === undefined || ['running', 'stopped', 'terminated'].includes(instance.status)) break;
      entry.wake = new AbortController();
      try {
        await this.#step(instance, entry.wake.signal);
        failures = 0;
      } catch (error) {
        failures += 1;
        this.#options.log(`${id} ${instance.status}: ${error instanceof Error ? error.message : error}`);
        if (instance.status === 'booting' && failures >= BOOT_ATTEMPTS) this.#fail(id);
        else await pause(RETRY_MS, entry.wake.signal);
      }
    }
    this.#tasks.delete(id);
  }

  async #step(instance: Instance, wake: AbortSignal): Promise<void> {
    const { bootMs, stopMs } = this.#times;
    const until = (ms: number): Promise<void> => pause(instance.statusSince + ms - Date.now(), wake);
    switch (instance.status) {
      case 'booting': {
        if (instance.bootFault === 'never-boots') return await pause(3_600_000, wake);
        if (instance.bootFault === 'boot-fails') {
          await until(bootMs);
          return this.#fail(instance.id);
        }
        const [address] = await Promise.all([this.#driver.run(specOf(instance)), until(bootMs)]);
        return this.#advance(instance, (now) => inStatus(instance, 'running', now, { address }));
      }
      case 'stopping':
        await until(stopMs);
        await this.#driver.stop(instance.id);
        return this.#advance(instance, (now) => inStatus(instance, 'stopped', now));
      case 'terminating':
        await until(stopMs);
        await this.#driver.destroy(instance.id);
        return this.#advance(instance, (now) => inStatus(instance, 'terminated', now));
      default:
    }
  }

  /** Unless something else was ordered meanwhile. Tags may have been changed: they are kept. */
  #advance(from: Instance, next: (now: number) => Instance): void {
    const present = this.#instances.get(from.id);
    if (this.#end.signal.aborted || present?.status !== from.status || present.statusSince !== from.statusSince) return;
    this.#save({ ...next(Date.now()), tags: present.tags });
  }

  #fail(id: string): void {
    const instance = this.#instances.get(id);
    if (instance?.status === 'booting') {
      this.#save(inStatus(instance, 'terminating', Date.now(), { reason: 'boot-failed' }));
    }
  }

  #save(instance: Instance): void {
    this.#instances.save(instance, Date.now());
  }

  /** A machine that runs by the books and not in truth has failed. */
  async #watch(): Promise<void> {
    while (!this.#end.signal.aborted) {
      await pause(WATCH_MS, this.#end.signal);
      const before = this.#instances.all().filter(({ status }) => status === 'running');
      try {
        const machines = before.length === 0 ? undefined : await this.#driver.list();
        for (const { id, statusSince } of before) {
          const instance = this.#instances.get(id);
          if (instance?.status !== 'running' || instance.statusSince !== statusSince) continue;
          if (machines?.get(id) !== 'running' && !this.#end.signal.aborted) this.kill(id, 'host-failure');
        }
      } catch (error) {
        this.#options.log(`watch: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
}

function specOf(instance: Instance): MachineSpec {
  const { id, seq, name, vcpus, memoryMib, sshPublicKeys, userData, hostKey } = instance;
  return { id, seq, name, vcpus, memoryMib, sshPublicKeys, userData, hostKey };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return;
  await sleep(ms, undefined, { signal }).catch(() => {});
}
