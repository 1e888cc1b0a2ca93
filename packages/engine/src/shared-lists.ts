/**
 * One list of a cloud serves everybody who waits for one: two hundred machines without an address, or on their way out,
 * are two questions and not two hundred, of which the cloud would refuse most for being too many.
 */
import type { CloudInstance, Logger } from '@berth/backend';
import { deadline } from './deadline.ts';
import type { EngineClock, UsableBackend } from './ports.ts';
import { TERMINATE_DEADLINE_MS } from './timing.ts';

type Machines = readonly CloudInstance[];

/** A list that takes longer hangs, it seems: the next one is asked for beside it. */
const PATIENCE_MS = 10_000;

interface Line {
  /** Settles when the list that is under way does; never rejects. */
  running: Promise<void> | null;
  /** The one after it, which everybody shares who asks meanwhile. */
  next: Promise<Machines> | null;
}

export class SharedLists {
  readonly #clock: EngineClock;
  readonly #log: Logger;
  readonly #lines = new Map<string, Line>();

  constructor(clock: EngineClock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * What the cloud lists, asked for no sooner than now: so it shows what was done before.
   * @param place `<project>/<backend>`
   */
  async list(place: string, backend: UsableBackend, signal: AbortSignal): Promise<Machines> {
    signal.throwIfAborted();
    const line = this.#lines.get(place) ?? { running: null, next: null };
    this.#lines.set(place, line);
    line.next ??= this.#after(place, line, backend);
    return heard(line.next, signal);
  }

  async #enough(running: Promise<void> | null): Promise<void> {
    if (running === null) return;
    const late = Promise.withResolvers<void>();
    const cancel = this.#clock.after(PATIENCE_MS, late.resolve);
    await Promise.race([running, late.promise]);
    cancel();
  }

  async #after(place: string, line: Line, backend: UsableBackend): Promise<Machines> {
    // Whoever asks in the same turn shares it; and one that is under way may have looked too soon.
    await this.#enough(line.running);
    const limit = deadline(this.#clock, TERMINATE_DEADLINE_MS);
    const asked = (async () => backend.compute.list({ signal: limit.signal, log: this.#log }))();
    line.next = null;
    const running = asked.then(
      () => undefined,
      () => undefined,
    );
    line.running = running;
    try {
      return await asked;
    } finally {
      limit.clear();
      if (line.running === running) line.running = null;
      if (line.running === null && line.next === null) this.#lines.delete(place);
    }
  }
}

/** Who gives up leaves the others their answer. */
function heard<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
