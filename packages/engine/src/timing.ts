/** Every waiting time of the engine, in ms, and why it is that long. */
import type { Millis } from '@berth/core';

/** Asking one backend for offers. A plan must not wait for a broken cloud; healthy ones answer well below. */
export const OFFERS_DEADLINE_MS = 8_000;

/** Asking an account what is in stock, after that. It may only be of help; without it the catalog's word stands. */
export const AVAILABILITY_DEADLINE_MS = 3_000;

/** One `create` call (C1: it returns as soon as the id is known). */
export const CREATE_DEADLINE_MS = 60_000;

/** One `terminate` or `list` call. */
export const TERMINATE_DEADLINE_MS = 60_000;

/** One request to an agent that does no work of its own (submit, start, stop, remove). */
export const AGENT_REQUEST_DEADLINE_MS = 15_000;

/**
 * Linking with a machine elsewhere. Where no agent runs it is brought there first, with the Node that it
 * needs: 47 MB take 8 min at 100 kB/s, and what was sent in vain is sent again.
 */
export const LINK_DEADLINE_MS = 10 * 60_000;

/** Sending one blob: 256 MiB at 1 MiB/s. */
export const SEND_BLOB_DEADLINE_MS = 5 * 60_000;

/** An offer that was just refused is not tried again by the same run for this long. */
export const AVOID_OFFER_MS = 5 * 60_000;

/**
 * An offer whose machine was made and never became of use is left alone for longer: waiting for it costs
 * up to `provisioningTimeoutMs` each time, and two such offers would otherwise take turns for ever.
 */
export const AVOID_BROKEN_OFFER_MS = 24 * 60 * 60_000;

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

/**
 * How long a linked agent may fail to take a job, from the moment on which its instance was ready. Blobs
 * are sent in that time: 1 GiB at 1 MiB/s takes 17 min.
 */
export const SUBMIT_LIMIT_MS = 30 * 60_000;

/** On top of the grace: after that an agent that answers but does not end the job is given up. */
export const STOP_OVERDUE_MS = 2 * 60_000;

/** Removing what a finished job left at an agent, on the way; the next link does what was missed. */
export const AGENT_TIDY_DEADLINE_MS = 15_000;

/** Linking: the first tries come fast, because a fresh local agent needs some tens of ms to listen. */
export const LINK_BACKOFF = { firstMs: 10, factor: 1.6, maxMs: 5_000 } as const;

/**
 * A machine that was just made: it is up at a moment that nobody tells, and what is missed of it is paid and
 * waited for. The more there are of them, the longer the wait: some 1,000 tries a second in all.
 */
export const FIRST_LINK_BACKOFF = { firstMs: 10, factor: 1.6, maxMs: 250 } as const;
export const FIRST_LINK_GAP_MS = 1;

/** A link that lasted less is no success: its next try waits as if it had failed. */
export const LINK_STABLE_MS = 5_000;

/** After this long without a link, a backend with the facet `agent` is asked to start it again. */
export const AGENT_RESTART_AFTER_MS = 300;
/** A just created instance's agent gets longer, it is being started already. */
export const AGENT_FIRST_START_MS = 5_000;
/** Between attempts to start an agent again. */
export const AGENT_RESTART_BACKOFF = { firstMs: 1_000, factor: 2, maxMs: 60_000 } as const;

/** Outside actions that failed in passing. Terminations go on for ever at the maximum. */
export const INTENT_BACKOFF = { firstMs: 1_000, factor: 2, maxMs: 60_000 } as const;

/** A cloud may ask for more patience than the back-off has, up to this. */
export const LONGEST_INTENT_WAIT_MS = 15 * 60_000;

/** After so many failed attempts an outside action is reported as stuck. It goes on being tried. */
export const STUCK_AFTER_ATTEMPTS = 5;
/** Deleting a machine takes some clouds minutes; one that is still listed after this long is reported. */
export const STUCK_AFTER_MS = 10 * 60_000;

/** Effects on agents that failed in passing. */
export const EFFECT_BACKOFF = { firstMs: 250, factor: 2, maxMs: 15_000 } as const;

/** A decision whose rows were changed by somebody else in the meantime is made again. */
export const STALE_RETRY_MS = 5;

/** A store that cannot write is asked again at this pace. */
export const STORE_BACKOFF = { firstMs: 500, factor: 2, maxMs: 10_000 } as const;

/** Waiting before a run is submitted again: as long as it has waited so far, within these. */
export const RETRY_DELAY = { minMs: 15_000, maxMs: 10 * 60_000 } as const;

/**
 * A job that ran this long before it failed had succeeded in starting: the window of `retry.duration`
 * begins anew. One that fails sooner, again and again, uses the window up.
 */
export const RAN_WELL_MS = 10 * 60_000;

/** After failed attempts to fill a fleet. */
export const FLEET_BACKOFF = { firstMs: 15_000, factor: 2, maxMs: 30 * 60_000 } as const;

/**
 * An uncertain create that nobody wants any more is believed not to have happened when this many looks
 * in a row see nothing. Spread over a minute, because a cloud's list may be late.
 */
export const UNCERTAIN_LOOKS = 4;
export const LOOK_BACKOFF = { firstMs: 5_000, factor: 3, maxMs: 60_000 } as const;

/**
 * A machine this young may be missing in the cloud's list, and unknown to its `terminate`, although it
 * exists (EC2 documents it): that it is gone is believed when it is said a second time, so much later.
 * A backend that knows better says so (`limits.listLagMs`).
 */
export const LIST_LAG_MS = 30_000;

/**
 * A backend's list is compared with the books this soon after a start, and at first often: what the last
 * server left behind is seen in its first minutes.
 */
export const FIRST_SWEEP_MS = 5_000;
export const EARLY_SWEEP_MS = 15_000;
export const EARLY_SWEEPS = 12;
/** Later, while the books have machines or orphans there: a list of some pages every two minutes is no load. */
export const SWEEP_MS = 2 * 60_000;
/** Where nothing is and nothing was, only a database that was replaced can be wrong. */
export const QUIET_SWEEP_MS = 10 * 60_000;
/** Sweeps that somebody asks for come no closer: machines of a whole fleet may fall silent within a second. */
export const SWEEP_GAP_MS = 5_000;
/** A list that fails. */
export const SWEEP_BACKOFF = { firstMs: 15_000, factor: 2, maxMs: 5 * 60_000 } as const;
/** A machine that the cloud denies is asked for again after the list's lag, and never sooner than this. */
export const DENIAL_GAP_MS = 5_000;

/**
 * A machine on no book is left alone for this long. Longer than any list is stale that we know of, and
 * long enough for a person who has started a second server on a copy of the database to stop it.
 */
export const ORPHAN_MIN_AGE_MS = 5 * 60_000;
/** Terminating one, for ever. */
export const ORPHAN_BACKOFF = { firstMs: 5_000, factor: 2, maxMs: 5 * 60_000 } as const;
/** That a machine of which nothing can be done is still there is written down this often. */
export const REPORTED_SEEN_EVERY_MS = 10 * 60_000;

const MINUTE_MS = 60_000;

/**
 * How long a refusal is believed, by how often it came in a row. Stock comes back within minutes or not for
 * long, so the wait grows. A quota changes when somebody asks for more or gives machines back (which is seen).
 * Wrong credentials may be put right at the cloud, where we do not see it. What is configured wrongly, or not
 * there at all, stays so until somebody changes it; asking now and then costs one request.
 */
export const FAILURE_TTL = {
  'no-capacity': { firstMs: 5 * MINUTE_MS, factor: 2, maxMs: 30 * MINUTE_MS },
  quota: { firstMs: 15 * MINUTE_MS, factor: 1, maxMs: 15 * MINUTE_MS },
  auth: { firstMs: 5 * MINUTE_MS, factor: 1, maxMs: 5 * MINUTE_MS },
  config: { firstMs: 30 * MINUTE_MS, factor: 2, maxMs: 4 * 60 * MINUTE_MS },
  'not-found': { firstMs: 30 * MINUTE_MS, factor: 2, maxMs: 4 * 60 * MINUTE_MS },
} as const satisfies Record<string, Backoff>;
/** However long a cloud asks to be left alone. */
export const LONGEST_FAILURE_MS = 6 * 60 * MINUTE_MS;
/** A refusal that comes this long after the last one was believed begins a row of its own. */
export const FAILURES_IN_A_ROW_MS = 60 * MINUTE_MS;

/** Five failures without a reason, in one region: chance alone makes that of a cloud that fails one call in ten once in 100,000. */
export const BREAKER_AFTER = 5;
/** How long a region is left alone, after each failure from then on. */
export const BREAKER_BACKOFF = { firstMs: 30_000, factor: 2, maxMs: 10 * MINUTE_MS } as const;
/** An attempt that has not come back by then never will: the deadlines of what it does, and some. */
export const BREAKER_PROBE_MS = 4 * MINUTE_MS;
/** How often those who wait for such an attempt look whether it has come back. */
export const BREAKER_WAIT_MS = 5_000;

/** Making, finding or removing what machines of a place share: networks take some clouds a minute. */
export const BOOTSTRAP_DEADLINE_MS = 2 * MINUTE_MS;
/** Removing it again: a network can go only some minutes after its last machine. */
export const BOOTSTRAP_BACKOFF = { firstMs: 30_000, factor: 2, maxMs: 10 * MINUTE_MS } as const;

/**
 * A machine for a single job may take this long before another one is made beside it: clouds that work give
 * a machine within two or three minutes, and a second one costs cents. Backends that give up sooner: half of it.
 */
export const HEDGE_AFTER_MS = 5 * MINUTE_MS;
/** Where there was no other offer. */
export const HEDGE_RETRY_MS = MINUTE_MS;

/** A timer that fires this much too early by the clock was overtaken by a clock that was set back. */
export const CLOCK_SLACK_MS = 2_000;

export interface Backoff {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
}

/** The wait after the `failures`-th failure in a row, counted from 1; whole milliseconds. */
export function backoff(policy: Backoff, failures: number): number {
  const wait = policy.firstMs * policy.factor ** Math.max(0, Math.min(failures - 1, 50));
  return Math.min(policy.maxMs, Math.round(wait));
}

/**
 * Whether a stored due time has come. One that is further away than the longest wait of its kind was
 * written before the clock was set back, and is not waited for.
 */
export function isDue(at: Millis | null, now: Millis, longestMs: number): boolean {
  return at === null || now >= at || at - now > longestMs;
}
