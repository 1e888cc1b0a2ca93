/**
 * The outside actions on machines. Each attempt is written down before it is made, so that a server
 * that dies in the middle knows at its next start that there is something to settle.
 */
import type { Call, CloudInstance, CreateRequest, SharedParts } from '@berth/backend';
import { asBackendError, BackendError, machineName, ownerTags } from '@berth/backend';
import type { Millis } from '@berth/core';
import type { InstanceRow, IntentRow } from '@berth/store';
import type { Books, Tx } from './books.ts';
import type { CloudMemory } from './cloud-memory.ts';
import { deadline } from './deadline.ts';
import { gone, settled } from './decide-intent.ts';
import { forgetFailures, rememberFailure } from './failures.ts';
import { factsOf } from './machine-facts.ts';
import type { EnginePorts, UsableBackend } from './ports.ts';
import { noteIfStuck } from './stuck.ts';
import {
  backoff,
  CREATE_DEADLINE_MS,
  INTENT_BACKOFF,
  LIST_LAG_MS,
  LONGEST_INTENT_WAIT_MS,
  LOOK_BACKOFF,
  UNCERTAIN_LOOKS,
} from './timing.ts';
import { applyWrites } from './write.ts';

/** Why an attempt did not settle its intent, and what is known now. */
interface Setback {
  /** Null: nothing went wrong, it only takes its time. */
  readonly error: { readonly code: string; readonly message: string; readonly retryAfterMs: number | null } | null;
  /** Whether something may be out there; undefined: as before. */
  readonly uncertain?: boolean;
}

export class IntentActor {
  readonly #ports: EnginePorts;
  readonly #books: Books;
  readonly #clouds: Pick<CloudMemory, 'breakers' | 'bootstraps' | 'lists'>;

  constructor(ports: EnginePorts, books: Books, clouds: Pick<CloudMemory, 'breakers' | 'bootstraps' | 'lists'>) {
    this.#ports = ports;
    this.#books = books;
    this.#clouds = clouds;
  }

  async create(intent: IntentRow, instance: InstanceRow, signal: AbortSignal): Promise<void> {
    const backend = this.#backendOf(instance);
    if (backend === null) return this.#postpone(intent, unavailable(instance));
    const { breakers, bootstraps } = this.#clouds;
    let shared: SharedParts | null;
    try {
      shared = await bootstraps.ensure(this.#books, instance, backend, signal);
    } catch (thrown) {
      const error = asBackendError(thrown);
      breakers.came(instance, error.code, this.#now());
      return this.#createFailed(intent, backend, error, intent.uncertain);
    }
    let request: CreateRequest;
    try {
      request = this.#request(instance, backend, shared);
    } catch (thrown) {
      // Nothing was asked of the cloud, and nothing ever can be: the outcome is known.
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      return this.#createFailed(
        intent,
        backend,
        new BackendError('config', message, { cause: thrown }),
        intent.uncertain,
      );
    }
    const begun = await this.#begin(intent);
    if (begun === null) return;
    let machine: CloudInstance;
    const limit = deadline(this.#ports.clock, CREATE_DEADLINE_MS, signal);
    try {
      machine = await backend.compute.create(request, this.#call(limit.signal));
    } catch (thrown) {
      const error = asBackendError(thrown);
      breakers.came(instance, error.code, this.#now());
      return this.#createFailed(intent, backend, error, begun.wasUncertain);
    } finally {
      limit.clear();
    }
    breakers.came(instance, null, this.#now());
    await this.#created(intent, machine);
  }

  /** Nobody wants the machine any more, but a create is open: what it made, if anything, is found by its token. */
  async settleByLooking(intent: IntentRow, instance: InstanceRow, signal: AbortSignal): Promise<void> {
    const backend = this.#backendOf(instance);
    if (backend === null) return this.#postpone(intent, unavailable(instance));
    let found: CloudInstance | undefined;
    try {
      const machines = await this.#list(instance, backend, signal);
      found = machines.find((machine) => machine.token === instance.token && machine.state !== 'terminated');
    } catch (thrown) {
      return this.#postpone(intent, { error: asBackendError(thrown) });
    }
    if (found !== undefined) return this.#created(intent, found);
    await this.#books.write(null, async (tx) => {
      const fresh = await openIntent(tx, intent);
      if (fresh === null) return;
      const looks = fresh.looks + 1;
      if (looks >= UNCERTAIN_LOOKS) await applyWrites(tx, [settled(fresh, 'failed', this.#now())], this.#ids);
      else await tx.change('intents', fresh, { looks, nextAttemptAt: this.#now() + backoff(LOOK_BACKOFF, looks) });
    });
  }

  async terminate(intent: IntentRow, instance: InstanceRow, signal: AbortSignal): Promise<void> {
    const backend = this.#backendOf(instance);
    const { cloudId } = instance;
    if (backend === null || cloudId === null) return this.#postpone(intent, unavailable(instance));
    if ((await this.#begin(intent)) === null) return;
    const { token, region, zone } = instance;
    try {
      await backend.compute.terminate({ cloudId, token, region, zone }, this.#call(signal));
      const machines = await this.#list(instance, backend, signal);
      const still = machines.find((machine) => machine.cloudId === cloudId && machine.state !== 'terminated');
      if (still !== undefined) return await this.#postpone(intent, { error: null });
    } catch (thrown) {
      const error = asBackendError(thrown);
      if (error.code !== 'not-found') return this.#postpone(intent, { error });
    }
    await this.#books.write(null, async (tx) => {
      const fresh = await openIntent(tx, intent);
      const row = await tx.read.instances.get(intent.instanceId);
      if (fresh === null || row === null) return;
      const now = this.#now();
      const lag = backend.listLagMs ?? LIST_LAG_MS;
      const young = now - (await madeAt(tx, row)) < lag;
      if (young && fresh.looks === 0) {
        await tx.change('intents', fresh, { looks: 1, nextAttemptAt: now + lag });
      } else {
        await applyWrites(tx, [settled(fresh, 'done', now), gone(row, now)], this.#ids);
        await forgetFailures(tx, row, ['no-capacity', 'quota']);
      }
    });
    backend.forgetOffers();
  }

  /** A machine without an address yet: what does the cloud say by now? Throws while it says nothing. */
  async findAddress(instance: InstanceRow, signal: AbortSignal): Promise<void> {
    const backend = this.#backendOf(instance);
    if (backend === null) throw new Error(`Backend ${instance.backend} cannot be used at present.`);
    const machines = await this.#list(instance, backend, signal);
    const machine = machines.find((candidate) => candidate.token === instance.token);
    if (machine?.address == null) throw new Error('The cloud has no address for it yet.');
    await this.#books.write(null, async (tx) => {
      const row = await tx.read.instances.get(instance.id);
      if (row?.status === 'provisioning') await tx.change('instances', row, factsOf(machine, row));
    });
  }

  /** The attempt goes into the books. Null: there is nothing to attempt any more. */
  async #begin(intent: IntentRow): Promise<{ readonly wasUncertain: boolean } | null> {
    return this.#books.write(null, async (tx) => {
      const fresh = await openIntent(tx, intent);
      const row = await tx.read.instances.get(intent.instanceId);
      if (fresh === null || row === null) return null;
      if (intent.kind === 'instance.create' && row.status !== 'pending' && row.status !== 'provisioning') return null;
      // Due again only if this server dies in the middle, or the attempt says otherwise.
      await tx.change('intents', fresh, { attempts: fresh.attempts + 1, uncertain: true });
      if (row.status === 'pending') await tx.change('instances', row, { status: 'provisioning' });
      return { wasUncertain: fresh.uncertain };
    });
  }

  async #created(intent: IntentRow, machine: CloudInstance): Promise<void> {
    await this.#books.write(null, async (tx) => {
      const fresh = await openIntent(tx, intent);
      const row = await tx.read.instances.get(intent.instanceId);
      if (fresh === null || row === null) return;
      await applyWrites(tx, [settled(fresh, 'done', this.#now())], this.#ids);
      // Also when nobody wants it any more: then the terminate intent needs to know what to terminate.
      await tx.change('instances', row, factsOf(machine, row));
      await forgetFailures(tx, row);
    });
  }

  async #createFailed(
    intent: IntentRow,
    backend: UsableBackend,
    error: BackendError,
    wasUncertain: boolean,
  ): Promise<void> {
    switch (error.code) {
      case 'unknown':
        return this.#postpone(intent, { error, uncertain: true });
      case 'transient':
      case 'rate-limited':
        // This attempt did nothing. What an earlier one did stays unknown.
        return this.#postpone(intent, { error, uncertain: wasUncertain });
      case 'no-capacity':
      case 'quota':
      case 'auth':
      case 'config':
      case 'not-found':
        backend.forgetOffers();
        return this.#refused(intent, backend, error, wasUncertain);
    }
  }

  /** The cloud will not make it. When an earlier attempt may have, that one is looked for first. */
  async #refused(intent: IntentRow, backend: UsableBackend, error: BackendError, wasUncertain: boolean): Promise<void> {
    await this.#books.write(null, async (tx) => {
      const fresh = await openIntent(tx, intent);
      const row = await tx.read.instances.get(intent.instanceId);
      if (fresh === null || row === null) return;
      const now = this.#now();
      await rememberFailure(tx, row, error, now);
      const lastError = { code: error.code, message: error.message };
      await tx.change('intents', fresh, {
        lastError,
        ...(wasUncertain ? {} : { status: 'failed', uncertain: false, settledAt: now }),
      });
      if (row.status !== 'provisioning' && row.status !== 'pending') return;
      const why = { endReason: 'create-failed', message: `${backend.name} refused: ${error.message}` } as const;
      if (wasUncertain) {
        await tx.change('instances', row, { ...why, status: 'terminating', terminationRequestedAt: now });
      } else {
        await tx.change('instances', row, { ...why, status: 'terminated', terminatedAt: now, busyBlocks: 0 });
      }
    });
  }

  /** Tried again later. */
  async #postpone(intent: IntentRow, setback: Setback): Promise<void> {
    const { error, uncertain } = setback;
    await this.#books.write(null, async (tx) => {
      const fresh = await openIntent(tx, intent);
      if (fresh === null) return;
      // An attempt that could not even begin counts too, or its wait would never grow.
      const attempts = Math.max(fresh.attempts, intent.attempts + 1);
      const wait = Math.min(
        Math.max(backoff(INTENT_BACKOFF, attempts), Math.ceil(error?.retryAfterMs ?? 0)),
        LONGEST_INTENT_WAIT_MS,
      );
      const postponed = await tx.change('intents', fresh, {
        attempts,
        nextAttemptAt: this.#now() + wait,
        ...(error === null ? {} : { lastError: { code: error.code, message: error.message } }),
        ...(uncertain === undefined ? {} : { uncertain }),
      });
      await noteIfStuck(tx, postponed, error?.message ?? null, this.#now());
    });
  }

  #request(instance: InstanceRow, backend: UsableBackend, shared: SharedParts | null): CreateRequest {
    const { token } = instance;
    return {
      instance: instance.id,
      token,
      name: machineName(this.#ports.installation, token),
      tags: ownerTags({ installation: this.#ports.installation, token, instance: instance.id }),
      offer: instance.offer,
      agentStart: this.#ports.agentStart(instance.id, backend, this.#ports.sealer.open(instance.agentSecret)),
      shared,
      placementGroup: null,
      reservation: instance.offer.reservation ?? null,
    };
  }

  #backendOf(instance: InstanceRow): UsableBackend | null {
    return this.#ports.backends.get(instance.projectId, instance.backend);
  }

  /** One that was begun after what was done before. */
  #list(instance: InstanceRow, backend: UsableBackend, signal: AbortSignal): Promise<readonly CloudInstance[]> {
    return this.#clouds.lists.list(`${instance.projectId}/${instance.backend}`, backend, signal);
  }

  #call(signal: AbortSignal): Call {
    return { signal, log: this.#ports.log };
  }

  #now(): number {
    return this.#ports.clock.now();
  }

  readonly #ids = { now: () => this.#ports.clock.now(), random: (length: number) => this.#ports.random(length) };
}

function unavailable(instance: InstanceRow): Setback {
  const message = `Backend ${instance.backend} cannot be used at present.`;
  return { error: { code: 'unavailable', message, retryAfterMs: null } };
}

async function openIntent(tx: Tx, intent: IntentRow): Promise<IntentRow | null> {
  const fresh = await tx.read.intents.get(intent.id);
  return fresh?.status === 'open' ? fresh : null;
}

/** When the cloud said that the machine is made. */
async function madeAt(tx: Tx, row: InstanceRow): Promise<Millis> {
  const create = await tx.read.intents.first({ where: { instanceId: row.id, kind: 'instance.create' } });
  return create?.settledAt ?? row.createdAt;
}
