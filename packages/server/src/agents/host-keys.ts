import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstanceId, RandomBytes } from '@berth/core/ids';

/**
 * The host keys that machines without a pinned one showed at the first contact, a file for each, named for
 * its instance.
 */
export class HostKeys {
  readonly #dir: string;
  readonly #random: RandomBytes;

  constructor(dir: string, random: RandomBytes) {
    this.#dir = dir;
    this.#random = random;
  }

  path(instance: InstanceId): string {
    return join(this.#dir, instance);
  }

  /** Null: there was no contact yet. */
  of(instance: InstanceId): string | null {
    const path = this.path(instance);
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
  }

  /** The key that counts from now on: this one, or that of a contact which was earlier. On disk when it returns. */
  remember(instance: InstanceId, key: string): string {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    const beside = `${this.path(instance)}.${Buffer.from(this.#random(6)).toString('hex')}`;
    writeFileSync(beside, `${key}\n`, { mode: 0o600, flag: 'wx', flush: true });
    try {
      linkSync(beside, this.path(instance));
    } catch (error) {
      if (!existsSync(this.path(instance))) throw error;
    } finally {
      rmSync(beside, { force: true });
    }
    return this.of(instance) ?? key;
  }

  /** Of which instances keys are remembered. */
  instances(): readonly InstanceId[] {
    return existsSync(this.#dir) ? (readdirSync(this.#dir) as InstanceId[]) : []; // we name the files
  }

  forget(instance: InstanceId): void {
    rmSync(this.path(instance), { force: true });
  }
}
