/** The façade: what the server may ask of the engine. Each concern has a file of its own. */
import type {
  FleetId,
  FleetSpec,
  InstanceId,
  Millis,
  Offer,
  ProjectId,
  Requirements,
  RunId,
  RunSpec,
  UserId,
} from '@berth/core';
import type { FleetRow, InstanceRow, OrphanRow, RunRow } from '@berth/store';

export interface OfferSource {
  readonly backend: string;
  readonly status: 'fresh' | 'failed' | 'timed-out' | 'skipped';
  readonly offers: number;
  readonly message: string | null;
}

export interface OfferList {
  /** Cheapest first; those that fit. */
  readonly offers: readonly Offer[];
  readonly sources: readonly OfferSource[];
  readonly misfits: readonly { readonly reason: string; readonly count: number }[];
}

export interface RunPlan {
  readonly action: 'create' | 'recreate' | 'none';
  readonly current: RunRow | null;
  readonly changes: readonly { readonly path: string; readonly before: unknown; readonly after: unknown }[];
  readonly offers: OfferList;
  readonly idleInstances: readonly InstanceRow[];
  /** For all nodes, of what would be taken first; null when nothing fits. */
  readonly pricePerHour: number | null;
}

export interface FleetPlan {
  readonly action: 'create' | 'update' | 'none';
  readonly current: FleetRow | null;
  readonly changes: RunPlan['changes'];
  readonly offers: OfferList;
  readonly pricePerHour: number | null;
}

/** A machine that a cloud lists as ours and that no book expects. */
export interface SweptOrphan {
  readonly cloudId: string;
  readonly name: string | null;
  readonly token: string | null;
  readonly region: string;
  /** The row that was written off although the machine lives; null: no book ever had it. */
  readonly instanceId: InstanceId | null;
  readonly status: OrphanRow['status'];
  readonly firstSeenAt: Millis;
  /** When it is terminated, or tried to be again; null: never, or it is gone. */
  readonly terminatesAt: Millis | null;
  readonly attempts: number;
  readonly error: string | null;
}

/** One backend's list against the books. */
export interface SweptBackend {
  readonly backend: string;
  readonly status: 'swept' | 'failed' | 'unavailable';
  readonly message: string | null;
  /** How many the cloud lists. */
  readonly machines: number;
  readonly orphans: readonly SweptOrphan[];
  /** Written off: the cloud does not have them any more. */
  readonly gone: readonly InstanceRow[];
  /** Made by a call whose answer was lost. */
  readonly adopted: readonly InstanceRow[];
}

/** What the caller's plan was based on. `undefined`: apply regardless. `null`: there was no live one. */
export type Base = { readonly id: string; readonly version: number } | null | undefined;

export interface Actor {
  readonly project: ProjectId;
  readonly user: UserId;
}

/** Every method that is refused throws a `BerthError` and has changed nothing. */
export interface Engine {
  /** Takes up everything that is not finished, and begins to act. */
  start(): Promise<void>;
  /** Stops acting; what is in flight is finished or left as an open intent for the next start. */
  stop(): Promise<void>;

  offers(project: ProjectId, requirements: Requirements, limit?: number): Promise<OfferList>;

  planRun(project: ProjectId, spec: RunSpec): Promise<RunPlan>;
  applyRun(actor: Actor, spec: RunSpec, base: Base): Promise<RunRow>;
  stopRun(actor: Actor, run: RunId, abort: boolean): Promise<RunRow>;

  planFleet(project: ProjectId, spec: FleetSpec): Promise<FleetPlan>;
  applyFleet(actor: Actor, spec: FleetSpec, base: Base): Promise<FleetRow>;
  deleteFleet(actor: Actor, fleet: FleetId): Promise<FleetRow>;
  /** Refused with `conflict` while a job holds it. */
  deleteInstance(actor: Actor, instance: InstanceId): Promise<InstanceRow>;

  /** Compares what clouds list with the books now. `dryRun`: says what would be done, and does nothing. */
  sweep(project: ProjectId, options: { readonly dryRun: boolean }): Promise<readonly SweptBackend[]>;

  /** For benchmarks and tests: resolves when nothing is due at `at` or before and nothing is in flight. */
  settled(at?: Millis): Promise<void>;
}
