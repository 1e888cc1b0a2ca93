/**
 * The outside actions on machines. Each attempt is written down before it is made, so that a server
 * that dies in the middle knows at its next start that there is something to settle.
 */
import type { BackendError, CloudInstance } from '@berth/backend';
import { asBackendError } from '@berth/backend';
import type { InstanceRow, IntentRow } from '@berth/store';
import type { Books, Tx } from './books.ts';
import { gone, settled } from './decide-intent.ts';
import type { EnginePorts, UsableBackend } from './ports.ts';
import { backoff, INTENT_BACKOFF, UNCERTAIN_LOOKS } from './timing.ts';
import { applyWrites } from './write.ts';

/** After so many failed attempts in a row a termination is reported as stuck. It goes on being tried. */
const STUCK_AFTER = 5;

export class IntentActor {
  readonly #ports: EnginePorts;
  readonly #books: Books;

  constructor(ports: EnginePorts, books: Books) {
    this.#ports = ports;
    this.#books = books;
  }

  async create(intent: IntentRow, instance: InstanceRow, signal: AbortSignal): Promise<void> {
    const backend = this.#ports.backends.get(instance.projectId, instance.backend);
    if (backend === null) return this.#postpone(intent, `Backend ${instance.backend} cannot be used at present.`);
    if (!(await this.#begin(intent))) return;
    const token = instance.token;
    try {
      const machine = await backend.compute.create(
        {
          instance: instance.id,
          token,
          name: `berth-${token}`.slice(0, backend.nameLength),
          tags: {
            'berth-installation': this.#ports.installation,
            'berth-instance': instance.id,
            'berth-token': token,
          },
          offer: instance.offer,
          bootstrap: this.#ports.bootstrap(instance.id, backend, this.#ports.sealer.open(instance.agentSecret)),
        },
        { signal, log: this.#ports.log },
      );
      await this.#created(intent, machine);
    } catch (thrown) {
      await this.#createFailed(intent, backend, asBackendError(thrown));
    }
  }

  /** Nobody wants the machine any more, but a create is open: what it made, if anything, is found by its token. */
  async settleByLooking(intent: IntentRow, instance: InstanceRow, signal: AbortSignal): Promise<void> {
    const backend = this.#ports.backends.get(instance.projectId, instance.backend);
    if (backend === null) return this.#postpone(intent, `Backend ${instance.backend} cannot be used at present.`);
    let found: CloudInstance | undefined;
    try {
      const machines = await backend.compute.list({ signal, log: this.#ports.log });
      found = machines.find((machine) => machine.token === instance.token && machine.state !== 'terminated');
    } catch (thrown) {
      return this.#postpone(intent, asBackendError(thrown).message);
    }
    if (found !== undefined) return this.#created(intent, found);
    await this.#books.write(null, async (tx) => {
      const fresh = await openIntent(tx, intent);
      if (fresh === null) return;
      if (fresh.looks + 1 >= UNCERTAIN_LOOKS) await applyWrites(tx, [settled(fresh, 'failed', this.#now())], this.#ids);
      else
        await tx.change('intents', fresh, {
          looks: fresh.looks + 1,
          nextAttemptAt: this.#now() + backoff(INTENT_BACKOFF, fresh.looks + 3),
        });
    });
  }

  async terminate(intent: IntentRow, instance: InstanceRow, signal: AbortSignal): Promise<void> {
    const backend = this.#ports.backends.get(instance.projectId, instance.backend);
    if (backend === null || instance.cloudId === null) {
      return this.#postpone(
        intent,
        `Backend ${instance.backend} cannot be used at present; the machine may still be billed.`,
      );
    }
    if (!(await this.#begin(intent))) return;
    const call = { signal, log: this.#ports.log };
    const ref = { cloudId: instance.cloudId, token: instance.token, region: instance.region, zone: instance.zone };
    try {
      await backend.compute.terminate(ref, call);
      const machines = await backend.compute.list(call);
      const still = machines.find((machine) => machine.cloudId === ref.cloudId && machine.state !== 'terminated');
      if (still !== undefined) return await this.#postpone(intent, null);
    } catch (thrown) {
      const error = asBackendError(thrown);
      if (error.code !== 'not-found') return this.#postpone(intent, error.message, error);
    }
    await this.#books.write(null, async (tx) => {
      const fresh = await openIntent(tx, intent);
      const row = await tx.read.instances.get(intent.instanceId);
      if (fresh === null || row === null) return;
      await applyWrites(tx, [settled(fresh, 'done', this.#now()), gone(row, this.#now())], this.#ids);
    });
    backend.forgetOffers();
  }

  /** A machine without an address yet: what does the cloud say by now? */
  async look(instance: InstanceRow, signal: AbortSignal): Promise<void> {
    const backend = this.#ports.backends.get(instance.projectId, instance.backend);
    if (backend === null) throw new Error(`Backend ${instance.backend} cannot be used at present.`);
    const machines = await backend.compute.list({ signal, log: this.#ports.log });
    const machine = machines.find((candidate) => candidate.token === instance.token);
    if (machine?.address == null) throw new Error('The cloud has no address for it yet.');
    await this.#books.write(null, async (tx) => {
      const row = await tx.read.instances.get(instance.id);
      if (row?.status === 'provisioning') await tx.change('instances', row, facts(machine, row));
    });
  }

  /** The attempt goes into the books; false when there is nothing to attempt any more. */
  async #begin(intent: IntentRow): Promise<boolean> {
    return this.#books.write(null, async (tx) => {
      const fresh = await openIntent(tx, intent);
      const row = await tx.read.instances.get(intent.instanceId);
      if (fresh === null || row === null) return false;
      if (intent.kind === 'instance.create' && row.status !== 'pending' && row.status !== 'provisioning') return false;
      // Due again only if this server dies in the middle, or the attempt says otherwise.
      await tx.change('intents', fresh, { attempts: fresh.attempts + 1, uncertain: true });
      if (row.status === 'pending') await tx.change('instances', row, { status: 'provisioning' });
      return true;
    });
  }

  async #created(intent: IntentRow, machine: CloudInstance): Promise<void> {
    await this.#books.write(null, async (tx) => {
      const fresh = await openIntent(tx, intent);
      const row = await tx.read.instances.get(intent.instanceId);
      if (fresh === null || row === null) return;
      await applyWrites(tx, [settled(fresh, 'done', this.#now())], this.#ids);
      // Also when nobody wants it any more: then the terminate intent needs to know what to terminate.
      await tx.change('instances', row, facts(machine, row));
    });
  }

  async #createFailed(intent: IntentRow, backend: UsableBackend, error: BackendError): Promise<void> {
    switch (error.code) {
      case 'unknown':
        return this.#postpone(intent, error.message, error, true);
      case 'transient':
      case 'rate-limited':
        return this.#postpone(intent, error.message, error, false);
      case 'no-capacity':
      case 'quota':
      case 'auth':
      case 'config':
      case 'not-found':
        backend.forgetOffers();
        await this.#books.write(null, async (tx) => {
          const fresh = await openIntent(tx, intent);
          const row = await tx.read.instances.get(intent.instanceId);
          if (fresh === null || row === null) return;
          await tx.change('intents', fresh, { lastError: { code: error.code, message: error.message } });
          const failed = await openIntent(tx, intent);
          if (failed !== null) await applyWrites(tx, [settled(failed, 'failed', this.#now())], this.#ids);
          if (row.status === 'provisioning' || row.status === 'pending') {
            const message = `${backend.name} refused: ${error.message}`;
            await tx.change('instances', row, {
              status: 'terminated',
              endReason: 'create-failed',
              message,
              terminatedAt: this.#now(),
              busyBlocks: 0,
            });
          }
        });
    }
  }

  /** Tried again later. `uncertain` is left as it is unless the outcome is known. */
  async #postpone(intent: IntentRow, message: string | null, error?: BackendError, uncertain?: boolean): Promise<void> {
    await this.#books.write(null, async (tx) => {
      const fresh = await openIntent(tx, intent);
      if (fresh === null) return;
      const wait = Math.max(backoff(INTENT_BACKOFF, Math.max(1, fresh.attempts)), error?.retryAfterMs ?? 0);
      await tx.change('intents', fresh, {
        nextAttemptAt: this.#now() + wait,
        ...(message === null ? {} : { lastError: { code: error?.code ?? 'unavailable', message } }),
        ...(uncertain === undefined ? {} : { uncertain }),
      });
      if (intent.kind === 'instance.terminate' && message !== null && fresh.attempts === STUCK_AFTER) {
        const row = await tx.read.instances.get(intent.instanceId);
        if (row === null) return;
        await tx.event({
          projectId: row.projectId,
          kind: 'instance.stuck',
          message: `Instance ${row.name} cannot be terminated (${message}). It may still be billed; it is tried for ever.`,
          targetKind: 'instance',
          targetId: row.id,
          targetName: row.name,
          runId: null,
          details: { attempts: fresh.attempts },
        });
      }
    });
  }

  #now(): number {
    return this.#ports.clock.now();
  }

  readonly #ids = { now: () => this.#ports.clock.now(), random: (length: number) => this.#ports.random(length) };
}

async function openIntent(tx: Tx, intent: IntentRow): Promise<IntentRow | null> {
  const fresh = await tx.read.intents.get(intent.id);
  return fresh?.status === 'open' ? fresh : null;
}

function facts(machine: CloudInstance, row: InstanceRow): Partial<InstanceRow> {
  return {
    cloudId: machine.cloudId,
    // The address is plain data; the row keeps it as JSON.
    address: machine.address === null ? null : { ...machine.address },
    internalIp: machine.internalIp ?? row.internalIp,
    ...(machine.resources === undefined ? {} : { resources: machine.resources }),
    ...(machine.gpuDevices === undefined ? {} : { gpuDevices: machine.gpuDevices }),
  };
}
