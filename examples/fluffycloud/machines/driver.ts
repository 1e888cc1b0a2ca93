import type { Address } from '../instance.ts';
import type { SshKeyPair } from '../ssh-key-pair.ts';

/** What a machine is made of. */
export interface MachineSpec {
  readonly id: string;
  /** A number of its own in this cloud, from 1. */
  readonly seq: number;
  readonly name: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly sshPublicKeys: readonly string[];
  /** Run once, at the first boot. */
  readonly userData: string | null;
  readonly hostKey: SshKeyPair;
}

/** Makes machines real. Every call can be repeated: after a crash the cloud does not know how far it got. */
export interface MachineDriver {
  /** Makes the machine if there is none, switches it on if it is off, and returns once sshd answers. */
  run(spec: MachineSpec): Promise<Address>;
  /** Ends everything on it; the disk is kept. Of what is off or absent: nothing. */
  stop(id: string): Promise<void>;
  /** Of what is absent: nothing. */
  destroy(id: string): Promise<void>;
  /** All machines of this cloud that exist. */
  list(): Promise<ReadonlyMap<string, 'running' | 'stopped'>>;
  /** Removes what machines share. Called when there are none any more. */
  removeShared(): Promise<void>;
}
