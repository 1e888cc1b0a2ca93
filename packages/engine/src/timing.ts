/** Every waiting time of the engine, in ms, and why it is that long. */

/** Asking one backend for offers. A plan must not wait for a broken cloud; healthy ones answer well below. */
export const OFFERS_DEADLINE_MS = 8_000;

/** One `create` call (C1: it returns as soon as the id is known). */
export const CREATE_DEADLINE_MS = 60_000;

/** One `terminate` or `list` call. */
export const TERMINATE_DEADLINE_MS = 60_000;

/** One request to an agent that does no work of its own (submit, start, stop, remove). */
export const AGENT_REQUEST_DEADLINE_MS = 15_000;

/** Sending one blob: 256 MiB at 1 MiB/s. */
export const SEND_BLOB_DEADLINE_MS = 5 * 60_000;

/** An offer that was just refused is not tried again by the same job for this long. */
export const AVOID_OFFER_MS = 5 * 60_000;

/**
 * An instance whose agent cannot be reached for this long is given up, with the jobs on it. Longer
 * than a reboot or a restart of Docker takes, shorter than anybody wants to pay for a dead machine.
 */
export const UNREACHABLE_LIMIT_MS = 10 * 60_000;

/**
 * How long an ended job keeps its instance while its last logs and artifacts are brought back. A log
 * store that is away that long costs the rest of the log, and says so.
 */
export const DRAIN_LIMIT_MS = 10 * 60_000;

/** On top of the grace: after that an agent that answers but does not end the job is given up. */
export const STOP_OVERDUE_MS = 2 * 60_000;

/** Linking: the first tries come fast, because a fresh local agent needs some tens of ms to listen. */
export const LINK_BACKOFF = { firstMs: 10, factor: 1.6, maxMs: 5_000 } as const;

/** After this long without a link, a backend with the facet `agent` is asked to start it again. */
export const AGENT_RESTART_AFTER_MS = 300;
/** A just created instance's agent gets longer, it is being started already. */
export const AGENT_FIRST_START_MS = 5_000;

/** Outside actions that failed in passing. Terminations go on for ever at the maximum. */
export const INTENT_BACKOFF = { firstMs: 1_000, factor: 2, maxMs: 60_000 } as const;

/** Effects on agents that failed in passing. */
export const EFFECT_BACKOFF = { firstMs: 250, factor: 2, maxMs: 15_000 } as const;

/** A store that cannot write is asked again at this pace. */
export const STORE_BACKOFF = { firstMs: 500, factor: 2, maxMs: 10_000 } as const;

/** Waiting before a run is submitted again: as long as it has waited so far, within these. */
export const RETRY_DELAY = { minMs: 15_000, maxMs: 10 * 60_000 } as const;

/** After failed attempts to fill a fleet. */
export const FLEET_BACKOFF = { firstMs: 15_000, factor: 2, maxMs: 30 * 60_000 } as const;

/** An uncertain create is believed not to have happened when this many looks, so far apart, see nothing. */
export const UNCERTAIN_LOOKS = 3;

export interface Backoff {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
}

/** The wait after the `failures`-th failure in a row, counted from 1. */
export function backoff(policy: Backoff, failures: number): number {
  return Math.min(policy.maxMs, policy.firstMs * policy.factor ** Math.max(0, Math.min(failures - 1, 50)));
}
