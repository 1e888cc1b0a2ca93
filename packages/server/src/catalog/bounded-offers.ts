/**
 * What a source's module yields, taken with care: whoever wrote it, it may hang, go on for ever, not heed its
 * signal, or yield what is no offer. Nothing of that may keep a process from ending or from its other work.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { CollectedOffer } from '@berth/catalog';
import { CAPACITY_TYPES } from '@berth/core/offer';

/** The largest cloud has some hundred thousand. */
const MOST_OFFERS = 2_000_000;
/** How long offers are taken before timers, signals and other requests have their turn. */
const SLICE_MS = 5;

export interface BoundedOptions {
  /** Ends it, whether or not the source heeds it. */
  readonly signal: AbortSignal;
  readonly most?: number;
}

/** @throws the signal's reason when it aborts; what the source throws; an Error when it yields without end */
export async function* boundedOffers(
  source: AsyncIterable<CollectedOffer>,
  { signal, most = MOST_OFFERS }: BoundedOptions,
): AsyncGenerator<CollectedOffer> {
  signal.throwIfAborted();
  const iterator = source[Symbol.asyncIterator]();
  // One listener for all of them: a race for each offer would leave something behind for each.
  let giveUp: (reason: unknown) => void = () => {};
  const leave = () => giveUp(signal.reason);
  const next = (): Promise<IteratorResult<CollectedOffer>> =>
    new Promise((resolve, reject) => {
      giveUp = reject;
      iterator.next().then(resolve, reject);
    });
  signal.addEventListener('abort', leave, { once: true });
  let isDone = false;
  try {
    let turnedAt = performance.now();
    for (let taken = 0; ; taken++) {
      const step = await next();
      if (step.done === true) {
        isDone = true;
        return;
      }
      if (taken >= most) throw new Error(`it gave more than ${most} offers, which is no price list`);
      yield step.value;
      if (performance.now() - turnedAt < SLICE_MS) continue;
      await turn();
      signal.throwIfAborted();
      turnedAt = performance.now();
    }
  } finally {
    signal.removeEventListener('abort', leave);
    // Not waited for: one that hangs does not end either.
    if (!isDone) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

const KNOWN_CAPACITY: ReadonlySet<unknown> = new Set(CAPACITY_TYPES);

/** Why what a source yielded cannot be read as an offer at all; null: it can. Types are promises of its author only. */
export function misfit(one: CollectedOffer): string | null {
  const given: unknown = one;
  if (typeof given !== 'object' || given === null) return 'it is no offer';
  const { instanceType, region, zone, capacityType, accelerator, flags } = given as Record<string, unknown>; // an object
  if (typeof instanceType !== 'string') return 'its instance type is no text';
  if (typeof region !== 'string') return 'its region is no text';
  if (zone != null && typeof zone !== 'string') return 'its zone is no text';
  if (!KNOWN_CAPACITY.has(capacityType)) return 'its capacity type is not one of those that there are';
  if (flags !== undefined && !(Array.isArray(flags) && flags.every((flag) => typeof flag === 'string')))
    return 'its flags are no list of texts';
  if (accelerator == null) return null;
  const label: unknown = typeof accelerator === 'object' && 'label' in accelerator ? accelerator.label : null;
  return typeof label === 'string' ? null : 'its accelerator has no label';
}
