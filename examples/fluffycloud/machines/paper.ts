import type { Address } from '../instance.ts';
import type { MachineDriver, MachineSpec } from './driver.ts';

/** Machines that are nothing at all, for tests of clients of the API. They do not outlive the cloud. */
export class PaperMachines implements MachineDriver {
  readonly #machines = new Map<string, 'running' | 'stopped'>();

  async run(spec: MachineSpec): Promise<Address> {
    this.#machines.set(spec.id, 'running');
    // TEST-NET-1: by RFC 5737 nobody is there.
    const ip = `192.0.2.${(spec.seq % 254) + 1}`;
    return { ip, sshPort: 22, privateIp: ip };
  }

  async stop(id: string): Promise<void> {
    if (this.#machines.has(id)) this.#machines.set(id, 'stopped');
  }

  async destroy(id: string): Promise<void> {
    this.#machines.delete(id);
  }

  async list(): Promise<ReadonlyMap<string, 'running' | 'stopped'>> {
    return new Map(this.#machines);
  }

  async removeShared(): Promise<void> {}
}
