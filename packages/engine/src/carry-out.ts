/** Begins the effects that were decided, each with its deadline and its back-off. */
import { IntentActor } from './act-intent.ts';
import type { Books } from './books.ts';
import type { IntentEffect } from './decide-intent.ts';
import { Delivery } from './deliver.ts';
import type { EffectOptions, Effects } from './effects.ts';
import { fillFleet } from './fill-fleet.ts';
import type { Links } from './links.ts';
import type { Effect } from './look.ts';
import { placeRun } from './place-run.ts';
import type { EnginePorts } from './ports.ts';
import * as timing from './timing.ts';

type Wake = EffectOptions['wake'];
type Perform = (signal: AbortSignal) => Promise<void>;

export class Performer {
  readonly #ports: EnginePorts;
  readonly #books: Books;
  readonly #effects: Effects;
  readonly #links: Links;
  readonly #intents: IntentActor;
  readonly #delivery: Delivery;

  constructor(ports: EnginePorts, books: Books, effects: Effects, links: Links) {
    this.#ports = ports;
    this.#books = books;
    this.#effects = effects;
    this.#links = links;
    this.#intents = new IntentActor(ports, books);
    this.#delivery = new Delivery(ports, books, links);
  }

  /** `wake` looks again at the thing that decided it. */
  begin(effect: Effect, wake: Wake): void {
    switch (effect.kind) {
      case 'place':
        this.#plan(`run:${effect.run.id}`, effect.kind, wake, timing.EFFECT_BACKOFF, () =>
          placeRun(this.#books, this.#ports, effect.run.id),
        );
        break;
      case 'fill':
        this.#plan(`fleet:${effect.fleet.id}`, effect.kind, wake, timing.FLEET_BACKOFF, () =>
          fillFleet(this.#books, this.#ports, effect.fleet.id),
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
          { deadlineMs: timing.TERMINATE_DEADLINE_MS, backoff: timing.INTENT_BACKOFF, waits: true, wake },
          (signal) => this.#intents.findAddress(effect.instance, signal),
        );
        break;
      case 'create':
      case 'terminate':
      case 'settle-by-looking':
        this.#act(effect, wake);
        break;
      default:
        this.#deliver(effect, wake);
    }
  }

  #plan(thing: string, kind: string, wake: Wake, backoff: timing.Backoff, perform: Perform): void {
    this.#effects.begin(thing, kind, { deadlineMs: 2 * timing.OFFERS_DEADLINE_MS, backoff, wake }, perform);
  }

  /** One action at a time for each intent, whichever it is. */
  #act(effect: IntentEffect, wake: Wake): void {
    const { kind, intent, instance } = effect;
    const deadlineMs = kind === 'create' ? timing.CREATE_DEADLINE_MS : timing.TERMINATE_DEADLINE_MS;
    const options = { deadlineMs, backoff: timing.INTENT_BACKOFF, wake };
    this.#effects.begin(`intent:${intent.id}`, 'act', options, (signal) => {
      if (kind === 'create') return this.#intents.create(intent, instance, signal);
      if (kind === 'terminate') return this.#intents.terminate(intent, instance, signal);
      return this.#intents.settleByLooking(intent, instance, signal);
    });
  }

  #deliver(effect: Extract<Effect, { readonly job: unknown }>, wake: Wake): void {
    const { kind, job } = effect;
    const thing = `job:${job.id}`;
    const begin = (deadlineMs: number, perform: Perform): void =>
      this.#effects.begin(thing, kind, { deadlineMs, backoff: timing.EFFECT_BACKOFF, wake }, perform);
    switch (kind) {
      case 'start':
        begin(timing.AGENT_REQUEST_DEADLINE_MS, (signal) => this.#delivery.start(effect.run, job, signal));
        break;
      case 'submit':
        begin(timing.SEND_BLOB_DEADLINE_MS, (signal) => this.#delivery.submit(job, effect.instance, signal));
        break;
      case 'stop':
        begin(timing.AGENT_REQUEST_DEADLINE_MS, async (signal) => {
          // Otherwise the agent could be told of the job after it was told to forget it.
          await this.#effects.cancel(thing, 'submit', signal);
          await this.#delivery.stop(job, effect.instance, effect.graceMs, signal);
        });
        break;
      case 'drain':
        begin(timing.DRAIN_LIMIT_MS, (signal) => this.#delivery.drain(job, effect.instance, signal));
        break;
      case 'forget':
        begin(timing.AGENT_TIDY_DEADLINE_MS, (signal) => this.#delivery.forget(job, effect.instance, signal));
        break;
    }
  }
}
