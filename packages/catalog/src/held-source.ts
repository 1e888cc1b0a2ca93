/** One source in memory: its offers, and how it stands. */

import { SnapshotIndex } from './selection.ts';
import type { Snapshot } from './snapshot.ts';
import type { SourceStatus } from './source-status.ts';

export interface SourceFacts {
  readonly kind: SourceStatus['kind'];
  /** Of what is in memory; null for online sources. */
  readonly version: string | null;
  /** Offers that were collected longer ago than this, in ms, are stale; null: never. */
  readonly staleAfterMs: number | null;
}

export class HeldSource {
  readonly name: string;
  readonly facts: SourceFacts;
  readonly index: SnapshotIndex | null;
  readonly backends: readonly string[];
  /** Why there is nothing newer, where that is known. */
  readonly problem: string | null;

  constructor(name: string, facts: SourceFacts, snapshot: Snapshot | null, problem: string | null) {
    this.name = name;
    this.facts = facts;
    this.index = snapshot === null ? null : new SnapshotIndex(snapshot);
    this.backends = snapshot?.backends ?? [];
    this.problem = problem;
  }

  /** The same offers, with another reason why there are no newer ones. */
  withProblem(problem: string | null): HeldSource {
    return new HeldSource(this.name, this.facts, this.index?.snapshot ?? null, problem);
  }

  status(now: number): SourceStatus {
    const { kind, version, staleAfterMs } = this.facts;
    const snapshot = this.index?.snapshot;
    const facts = { source: this.name, kind, version, offers: snapshot?.size ?? 0 };
    if (snapshot === undefined) {
      return { ...facts, state: 'failed', reason: this.problem ?? 'It has not been collected yet.' };
    }
    const { collectedAt } = snapshot.meta;
    if (staleAfterMs !== null && now - collectedAt > staleAfterMs) {
      return { ...facts, state: 'stale', collectedAt, reason: this.problem };
    }
    return { ...facts, state: 'fresh', collectedAt };
  }

  skipped(reason: string): SourceStatus {
    const { kind, version } = this.facts;
    return { source: this.name, kind, version, offers: this.index?.snapshot.size ?? 0, state: 'skipped', reason };
  }
}
