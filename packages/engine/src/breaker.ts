/**
 * A circuit breaker for each backend and region: where creating fails again and again for no reason that
 * the cloud tells, it is left alone, and one attempt at a time finds out whether it is well again.
 * Terminations know nothing of it: they are always tried.
 */
import type { BackendErrorCode } from '@berth/backend';
import type { Millis } from '@berth/core';
import type { InstanceRow } from '@berth/store';
import { BREAKER_AFTER, BREAKER_BACKOFF, BREAKER_PROBE_MS, BREAKER_WAIT_MS, backoff, isDue } from './timing.ts';

export interface Circuit {
  /** Failures in a row. */
  readonly failures: number;
  /** Not before; null: as often as one likes. */
  readonly openUntil: Millis | null;
  /** The one attempt that is under way has until then to come back. */
  readonly probeUntil: Millis | null;
}

export const CLOSED: Circuit = { failures: 0, openUntil: null, probeUntil: null };

/** Until when nothing is to be tried; null: something may be tried now. */
export function heldUntil(circuit: Circuit, now: Millis): Millis | null {
  const { openUntil, probeUntil } = circuit;
  if (openUntil === null) return null;
  if (!isDue(openUntil, now, BREAKER_BACKOFF.maxMs)) return openUntil;
  // Its end is soon known.
  return isDue(probeUntil, now, BREAKER_PROBE_MS) ? null : Math.min(probeUntil ?? now, now + BREAKER_WAIT_MS);
}

/** An attempt begins; only if it may. */
export function begun(circuit: Circuit, now: Millis): Circuit {
  return circuit.openUntil === null ? circuit : { ...circuit, probeUntil: now + BREAKER_PROBE_MS };
}

export function failed({ failures }: Circuit, now: Millis): Circuit {
  const count = failures + 1;
  const isOpen = count >= BREAKER_AFTER;
  const openUntil = isOpen ? now + backoff(BREAKER_BACKOFF, count - BREAKER_AFTER + 1) : null;
  return { failures: count, openUntil, probeUntil: null };
}

/** Failures that say nothing about what was asked for, and something about who was asked. */
export function isSilence(code: BackendErrorCode): boolean {
  return code === 'transient' || code === 'unknown';
}

type Region = Pick<InstanceRow, 'projectId' | 'backend' | 'region'>;

/** The circuits that this server knows. Those that are closed and well are not kept. */
export class Breakers {
  readonly #circuits = new Map<string, Circuit>();

  heldUntil(region: Region, now: Millis): Millis | null {
    const circuit = this.#circuits.get(keyOf(region));
    return circuit === undefined ? null : heldUntil(circuit, now);
  }

  /** False: it is held back. */
  enter(region: Region, now: Millis): boolean {
    const circuit = this.#circuits.get(keyOf(region));
    if (circuit === undefined) return true;
    if (heldUntil(circuit, now) !== null) return false;
    this.#circuits.set(keyOf(region), begun(circuit, now));
    return true;
  }

  /** `null`: the cloud has made a machine. */
  came(region: Region, code: BackendErrorCode | null, now: Millis): void {
    const key = keyOf(region);
    if (code === null || !isSilence(code)) this.#circuits.delete(key);
    else this.#circuits.set(key, failed(this.#circuits.get(key) ?? CLOSED, now));
  }
}

function keyOf({ projectId, backend, region }: Region): string {
  return `${projectId}/${backend}/${region}`;
}
