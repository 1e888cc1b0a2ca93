/**
 * Which server works on which lane. Each server draws the same conclusions from the same rows, so that
 * they agree without talking: a lane goes to the live server that ranks highest for it, and moves only
 * when servers come and go. Time is each server's own: clocks of two hosts are never compared.
 */
import type { Millis, ServerId } from '@berth/core';
import type { LeaseRow, ServerRow } from '@berth/store';
import { ALL_LANES, hash32, type Lane } from './lanes.ts';

/** Signs of life. Each costs the database one small write. */
export const BEAT_MS = 2_000;

/**
 * A server that has given no sign of life for so long has lost its lanes. Longer than a writer that is
 * stopped in the middle of a transaction can hold up the others (6 s, `postgres.ts`) and a beat.
 */
export const LEASE_TTL_MS = 12_000;

/** So much earlier a server that cannot renew stops acting: clocks differ, and what is begun takes a moment. */
export const LEASE_MARGIN_MS = 2_000;

/**
 * Silence counts at most so much between two looks: while the database, or this server itself, stood
 * still, nobody could be heard.
 */
const LONGEST_SILENCE_MS = 2 * BEAT_MS;

interface Sighting {
  readonly version: number;
  /** By its own clock. One that was given up and has signed in again counts its versions anew. */
  readonly seenAt: Millis;
  /** By the clock of whoever looks, only while it was looking. */
  readonly silentMs: Millis;
}

/** What one server has seen of all servers. */
export interface Sightings {
  readonly at: Millis;
  readonly of: ReadonlyMap<ServerId, Sighting>;
}

export const NOTHING_SEEN: Sightings = { at: 0, of: new Map() };

/** @param at time of a clock that only grows, while this server runs */
export function lookAround(before: Sightings, servers: readonly ServerRow[], at: Millis): Sightings {
  const passed = Math.min(Math.max(0, at - before.at), LONGEST_SILENCE_MS);
  const of = new Map<ServerId, Sighting>();
  for (const { id, version, seenAt } of servers) {
    const seen = before.of.get(id);
    const isSame = seen?.version === version && seen.seenAt === seenAt;
    of.set(id, { version, seenAt, silentMs: isSame ? seen.silentMs + passed : 0 });
  }
  return { at, of };
}

export function isLive(sightings: Sightings, server: ServerId): boolean {
  return (sightings.of.get(server)?.silentMs ?? LEASE_TTL_MS) < LEASE_TTL_MS;
}

export interface LeaseSnapshot {
  readonly self: ServerId;
  readonly sightings: Sightings;
  /** By lane; one that is missing has never been held. */
  readonly leases: ReadonlyMap<Lane, LeaseRow>;
  /** What this server works on, with its tokens. */
  readonly held: ReadonlyMap<Lane, number>;
}

export interface LeaseDecision {
  readonly take: readonly Lane[];
  /** Their share has become another one's: finish there, then release. */
  readonly yield: readonly Lane[];
  /** Ours in the books only, and another one's share: a hand-over of which it is not known how it ended. */
  readonly release: readonly Lane[];
  /** Believed to be held, and taken by somebody else. */
  readonly lost: readonly Lane[];
}

export function decideLeases(snapshot: LeaseSnapshot): LeaseDecision {
  const { self, sightings, leases, held } = snapshot;
  const live = [...sightings.of.keys()].filter((server) => server === self || isLive(sightings, server));
  const take: Lane[] = [];
  const yielding: Lane[] = [];
  const release: Lane[] = [];
  const lost: Lane[] = [];
  for (const lane of ALL_LANES) {
    const row = leases.get(lane);
    const token = held.get(lane);
    const isOurs = token !== undefined && row?.owner === self && row.token === token;
    if (token !== undefined && !isOurs) lost.push(lane);
    const wanted = shareOf(lane, live) === self;
    if (isOurs && !wanted) yielding.push(lane);
    if (!isOurs && !wanted && row?.owner === self) release.push(lane);
    // Also one that is ours in the books only: it was given up here, and its token with it.
    const isFree = row === undefined || row.owner === null || row.owner === self || !isLive(sightings, row.owner);
    if (!isOurs && wanted && isFree) take.push(lane);
  }
  return { take, yield: yielding, release, lost };
}

/** Rendezvous hashing: when a server comes or goes, only its own share moves. */
export function shareOf(lane: Lane, live: readonly ServerId[]): ServerId | null {
  let best: ServerId | null = null;
  let highest = -1;
  for (const server of live) {
    const rank = hash32(`${lane} ${server}`);
    if (rank > highest || (rank === highest && server > (best ?? ''))) [best, highest] = [server, rank];
  }
  return best;
}
