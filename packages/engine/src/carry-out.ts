/** Begins the effects that were decided, each with its deadline and its back-off. */

import type { BootstrapRow, OrphanRow } from '@berth/store';
import { IntentActor } from './act-intent.ts';
import { terminateOrphan } from './act-orphan.ts';
import type { Books } from './books.ts';
import type { CloudMemory } from './cloud-memory.ts';
import type { IntentEffect } from './decide-intent.ts';
import { Delivery } from './deliver.ts';
import type { EffectOptions, Effects } from './effects.ts';
import { fillFleet } from './fill-fleet.ts';
import type { Lane } from './lanes.ts';
import type { Links } from './links.ts';
import type { Effect } from './look.ts';
import { makeHedge } from './make-hedge.ts';
import { placeRun } from './place-run.ts';
import type { EnginePorts } from './ports.ts';
import { placeOf } from './sweeps.ts';
import * as timing from './timing.ts';

type Wake = EffectOptions['wake'];
type Perform = (signal: AbortSignal) => Promise<void>;

/** In whose name an effect is carried out. */
interface Context {
  readonly lane: Lane;
  readonly wake: Wake;
  readonly books: Books;
}

export class Performer {
  readonly #ports: EnginePorts;
  readonly #books: Books;
  readonly #effects: Effects;
  readonly #links: Links;
  readonly #clouds: CloudMemory;

  constructor(ports: EnginePorts, books: Books, effects: Effects, links: Links, clouds: CloudMemory) {
    this.#ports = ports;
    this.#books = books;
    this.#effects = effects;
    this.#links = links;
    this.#clouds = clouds;
  }

  /** Writes are those of `lane`; `wake` looks again at the thing that decided it. */
  begin(effect: Effect, lane: Lane, wake: Wake): void {
    const books = this.#books.in(lane);
    const context: Context = { lane, wake, books };
    switch (effect.kind) {
      case 'hedge':
        this.#plan(`job:${effect.job.id}`, effect.kind, context, timing.EFFECT_BACKOFF, async (signal) => {
          const { breakers } = this.#clouds;
          if (!(await makeHedge(books, this.#ports, breakers, effect.job, signal))) {
            wake(this.#ports.clock.now() + timing.HEDGE_RETRY_MS);
          }
        });
        break;
      case 'place':
        this.#plan(`run:${effect.run.id}`, effect.kind, context, timing.EFFECT_BACKOFF, (signal) =>
          placeRun(books, this.#ports, this.#clouds.breakers, effect.run.id, signal),
        );
        break;
      case 'fill':
        this.#plan(`fleet:${effect.fleet.id}`, effect.kind, context, timing.FLEET_BACKOFF, (signal) =>
          fillFleet(books, this.#ports, this.#clouds.breakers, effect.fleet.id, signal),
        );
        break;
      case 'link':
        this.#links.ensure(effect.instance);
        break;
      case 'unlink':
        this.#links.drop(effect.instance.id);
        break;
      case 'find-address':
        this.#effects.begin(
          `instance:${effect.instance.id}`,
          effect.kind,
          { deadlineMs: timing.TERMINATE_DEADLINE_MS, backoff: timing.INTENT_BACKOFF, waits: true, lane, wake },
          (signal) => new IntentActor(this.#ports, books, this.#clouds).findAddress(effect.instance, signal),
        );
        break;
      case 'sweep':
        this.#sweep(effect.id, context);
        break;
      case 'remove-shared':
        this.#removeShared(effect.row, context);
        break;
      case 'terminate-orphan':
        this.#endOrphan(effect.orphan, context);
        break;
      case 'create':
      case 'terminate':
      case 'settle-by-looking':
        this.#act(effect, context);
        break;
      default:
        this.#deliver(effect, context);
    }
  }

  #plan(thing: string, kind: string, { lane, wake }: Context, backoff: timing.Backoff, perform: Perform): void {
    this.#effects.begin(thing, kind, { deadlineMs: 2 * timing.OFFERS_DEADLINE_MS, backoff, lane, wake }, perform);
  }

  #sweep(id: string, { lane, wake, books }: Context): void {
    const { project, backend: name } = placeOf(id);
    const backend = this.#ports.backends.get(project, name);
    if (backend === null) return;
    const options = { deadlineMs: 2 * timing.TERMINATE_DEADLINE_MS, backoff: timing.SWEEP_BACKOFF, lane, wake };
    this.#effects.begin(`sweep:${id}`, 'sweep', options, async (signal) => {
      await this.#clouds.sweeps.sweep(books, backend, id, signal);
      wake(this.#clouds.sweeps.dueAt(id));
    });
  }

  #removeShared(row: BootstrapRow, { lane, wake, books }: Context): void {
    const backend = this.#ports.backends.get(row.projectId, row.backend);
    if (backend === null) return;
    const options = { deadlineMs: 2 * timing.BOOTSTRAP_DEADLINE_MS, backoff: timing.BOOTSTRAP_BACKOFF, lane, wake };
    this.#effects.begin(`bootstrap:${row.id}`, 'remove', options, async (signal) => {
      await this.#clouds.bootstraps.remove(books, row, backend, signal);
      wake();
    });
  }

  #endOrphan(orphan: OrphanRow, { lane, wake, books }: Context): void {
    const options = { deadlineMs: timing.TERMINATE_DEADLINE_MS, backoff: timing.ORPHAN_BACKOFF, lane, wake };
    this.#effects.begin(`orphan:${orphan.id}`, 'terminate', options, async (signal) => {
      await terminateOrphan(books, this.#ports, orphan, signal);
      // It looks again at its next attempt; that it is gone is for the sweep to see.
      wake();
    });
  }

  /** One action at a time for each intent, whichever it is. */
  #act(effect: IntentEffect, { lane, wake, books }: Context): void {
    const { kind, intent, instance } = effect;
    // Of a creation: what machines share may have to be made first.
    const createMs = timing.BOOTSTRAP_DEADLINE_MS + timing.CREATE_DEADLINE_MS;
    const deadlineMs = kind === 'create' ? createMs : timing.TERMINATE_DEADLINE_MS;
    const options = { deadlineMs, backoff: timing.INTENT_BACKOFF, lane, wake };
    const actor = new IntentActor(this.#ports, books, this.#clouds);
    this.#effects.begin(`intent:${intent.id}`, 'act', options, (signal) => {
      if (kind === 'create') {
        const { breakers } = this.#clouds;
        const now = this.#ports.clock.now();
        if (breakers.enter(instance, now)) return actor.create(intent, instance, signal);
        wake(breakers.heldUntil(instance, now) ?? now);
        return Promise.resolve();
      }
      if (kind === 'terminate') return actor.terminate(intent, instance, signal);
      return actor.settleByLooking(intent, instance, signal);
    });
  }

  #deliver(effect: Extract<Effect, { readonly job: unknown }>, { lane, wake, books }: Context): void {
    const { kind, job } = effect;
    const delivery = new Delivery(this.#ports, books, this.#links);
    const thing = `job:${job.id}`;
    const begin = (deadlineMs: number, perform: Perform): void =>
      this.#effects.begin(thing, kind, { deadlineMs, backoff: timing.EFFECT_BACKOFF, lane, wake }, perform);
    switch (kind) {
      case 'start':
        begin(timing.AGENT_REQUEST_DEADLINE_MS, (signal) => delivery.start(job, signal));
        break;
      case 'submit':
        begin(timing.SEND_BLOB_DEADLINE_MS, (signal) => delivery.submit(job, effect.instance, signal));
        break;
      case 'stop':
        begin(timing.AGENT_REQUEST_DEADLINE_MS, async (signal) => {
          // Otherwise the agent could be told of the job after it was told to forget it.
          await this.#effects.cancel(thing, 'submit', signal);
          await delivery.stop(job, effect.instance, effect.graceMs, signal);
        });
        break;
      case 'drain':
        begin(timing.DRAIN_LIMIT_MS, (signal) => delivery.drain(job, effect.instance, signal));
        break;
      case 'forget':
        begin(timing.AGENT_TIDY_DEADLINE_MS, (signal) => delivery.forget(job, effect.instance, signal));
        break;
    }
  }
}
