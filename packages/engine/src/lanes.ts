/**
 * Lanes: shares of all things, so that several servers can divide the work of one database. Each thing
 * belongs to the lane of its anchor, and whoever holds a lane is the only one that acts for what is in it.
 */
import type { InstanceId, RunId } from '@berth/core';
import type { ReadTables } from '@berth/store';

/** Several times the servers of any installation, so that shares are nearly even; few enough to be read at once. */
export const LANE_COUNT = 64;

export type Lane = number;

export const ALL_LANES: readonly Lane[] = Array.from({ length: LANE_COUNT }, (_, lane) => lane);

/** The lane of what is anchored at `anchor`: an instance, run, fleet or project, or `<project>/<backend>`. */
export function laneOf(anchor: string): Lane {
  return hash32(anchor) % LANE_COUNT;
}

/**
 * A job is anchored at its instance once it has one, so that whoever holds an instance has its link, its
 * jobs and its intents.
 */
export function laneOfJob(job: { readonly instanceId: InstanceId | null; readonly runId: RunId }): Lane {
  return laneOf(job.instanceId ?? job.runId);
}

/** FNV-1a with a last mixing: ids that differ in a letter spread evenly. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** What the engine does when lanes come and go. */
export interface LaneKeeper {
  /** From now on these are ours: everything unfinished in them is looked at. Rejects when the store cannot be read. */
  gained(lanes: ReadonlySet<Lane>): Promise<void>;
  /** Somebody else may have them already: what is under way in them is abandoned. */
  lost(lanes: ReadonlySet<Lane>): void;
  /** No new work is begun in them any more. Resolves when nothing is under way. */
  yield(lanes: ReadonlySet<Lane>): Promise<void>;
  /** Something may have been missed: everything unfinished in those that are ours is looked at again. */
  recheck(lanes: ReadonlySet<Lane>): void;
}

/** A lane as it was taken once: with another token it is another server's, or was in between. */
export interface Grip {
  readonly lane: Lane;
  readonly token: number;
}

/** Which lanes this server works on. */
export interface Lanes {
  /** Whether other servers may work on this database. */
  readonly shared: boolean;
  /** How this server is called in what it announces. */
  readonly server: string;
  /** Begins to hold lanes, and to tell `keeper` of it. */
  start(keeper: LaneKeeper): Promise<void>;
  /** Lets all of them go. */
  stop(): Promise<void>;
  /** Whether work may be begun in this lane now. */
  holds(lane: Lane): boolean;
  /** With which it is written for this lane from now on. Of one that is not ours: one that is refused. */
  grip(lane: Lane): Grip;
  /**
   * In a transaction: which of `concerned` are ours beyond doubt. With `acting`, for which is written:
   * throws `Fenced` when that lane is not ours any more, or was not in between.
   */
  confirm(
    tables: Pick<ReadTables, 'leases'>,
    acting: Grip | null,
    concerned: Iterable<Lane>,
  ): Promise<ReadonlySet<Lane>>;
  /** A write was refused: the lane is somebody else's. */
  refused(error: Fenced): void;
}

/** Whoever wrote this does not hold the lane any more; nothing was written. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
  readonly grip: Grip;

  constructor(grip: Grip) {
    super(`Lane ${grip.lane} is held by another server`);
    this.grip = grip;
  }
}

/** All lanes, for ever: there is one server on this database. It costs nothing. */
export function soleLanes(): Lanes {
  return {
    shared: false,
    server: '',
    start: async (keeper) => keeper.gained(new Set(ALL_LANES)),
    stop: async () => {},
    holds: () => true,
    grip: (lane) => ({ lane, token: 0 }),
    confirm: async (_tables, _acting, concerned) => new Set(concerned),
    refused: () => {},
  };
}
