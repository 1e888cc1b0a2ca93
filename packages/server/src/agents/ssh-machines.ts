import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Logger } from '@berth/backend';
import { BerthError } from '@berth/core/errors';
import type { InstanceId, RandomBytes } from '@berth/core/ids';
import type { Secret } from '@berth/core/secret';
import type { Home } from '../config/home.ts';
import { installationKey, sshDir } from '../start/installation-key.ts';
import { hostKeyOf } from '../start/ssh-key.ts';
import { HostKeys } from './host-keys.ts';
import { MachinePrograms } from './machine-programs.ts';
import { hostKeyError } from './ssh-error.ts';
import { type SshAddress, SshLink } from './ssh-link.ts';
import { reachAgent } from './ssh-start.ts';

export interface SshMachine {
  readonly instance: InstanceId;
  readonly address: SshAddress;
  readonly secret: Secret<string>;
  /** Its start script gives it the host key that we made for it. */
  readonly hasOurHostKey: boolean;
}

export interface SshMachinesOptions {
  readonly home: Home;
  readonly random: RandomBytes;
  readonly log: Logger;
  /** True: the machine will not come back, and nothing needs to be remembered of it. */
  readonly isGone: (instance: InstanceId) => Promise<boolean>;
}

/** Of so many machines it is remembered what was last said of them. */
const MOST_TOLD = 1_000;

/** Machines that are reached by SSH: a connection for each, host keys, and agents that are started when none runs. */
export class SshMachines {
  readonly #options: SshMachinesOptions;
  readonly #hostKeys: HostKeys;
  readonly #programs: MachinePrograms;
  /** Where agents listened the last time, so that a link which broke is made anew without looking. */
  readonly #sockets = new Map<InstanceId, string>();
  /** Why machines cannot be reached, so that each reason is logged once and not at every try. */
  readonly #told = new Map<InstanceId, string>();

  constructor(options: SshMachinesOptions) {
    this.#options = options;
    this.#hostKeys = new HostKeys(join(sshDir(options.home), 'hosts'), options.random);
    this.#programs = new MachinePrograms(options.home);
  }

  /**
   * A stream to the agent of a machine. Its connection is its own: whichever ends first ends the other.
   * @throws BerthError which says what is in the way; the signal's reason
   */
  async connect(machine: SshMachine, signal: AbortSignal): Promise<Duplex> {
    try {
      const stream = await this.#connect(machine, signal);
      this.#told.delete(machine.instance);
      return stream;
    } catch (error) {
      if (error instanceof BerthError) this.#tell(machine.instance, error);
      throw error;
    }
  }

  async #connect(machine: SshMachine, signal: AbortSignal): Promise<Duplex> {
    const link = await this.#open(machine, signal);
    try {
      const stream = await this.#reach(link, machine, signal);
      stream.once('close', () => link.close());
      // Whoever reads it hears of it too; until then it must not count as unhandled.
      stream.on('error', () => undefined);
      return stream;
    } catch (error) {
      link.close();
      throw error;
    }
  }

  #tell(instance: InstanceId, { message, hint }: BerthError): void {
    if (this.#told.get(instance) === message) return;
    if (this.#told.size >= MOST_TOLD) this.#told.clear();
    this.#told.set(instance, message);
    this.#options.log.warn('a machine cannot be reached', { instance, error: message, hint });
  }

  async #reach(link: SshLink, { instance, secret }: SshMachine, signal: AbortSignal): Promise<Duplex> {
    const known = this.#sockets.get(instance);
    const stream = known === undefined ? null : await link.stream(known, signal);
    if (stream !== null) return stream;
    this.#sockets.delete(instance);
    const reached = await reachAgent(link, { instance, secret, programs: this.#programs, signal });
    this.#sockets.set(instance, reached.socketPath);
    return reached.stream;
  }

  async #open(machine: SshMachine, signal: AbortSignal): Promise<SshLink> {
    const { instance, address } = machine;
    const told = machine.hasOurHostKey ? [hostKeyOf(instance, machine.secret).public] : address.hostKeys;
    const remembered = told.length > 0 ? null : this.#hostKeys.of(instance);
    const link = await SshLink.open({
      address,
      key: installationKey(this.#options.home, this.#options.random),
      hostKeys: remembered === null ? told : [remembered],
      rememberedIn: remembered === null ? null : this.#hostKeys.path(instance),
      signal,
    });
    if (told.length > 0 || remembered !== null) return link;
    try {
      // The first contact counts; somebody else's may have come in between.
      const counts = this.#hostKeys.remember(instance, link.hostKey);
      if (counts !== link.hostKey) {
        throw hostKeyError(address, link.hostKey, [counts], this.#hostKeys.path(instance));
      }
      await this.#forgetGone();
      return link;
    } catch (error) {
      link.close();
      throw error;
    }
  }

  /** When a new machine comes, so that what is remembered does not grow for ever. */
  async #forgetGone(): Promise<void> {
    for (const instance of this.#hostKeys.instances()) {
      if (!(await this.#options.isGone(instance))) continue;
      this.#hostKeys.forget(instance);
      this.#sockets.delete(instance);
    }
  }
}
