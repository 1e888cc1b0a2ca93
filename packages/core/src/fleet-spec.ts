import type { Requirements } from './offer.ts';

/** A fleet's configuration once defaults are settled. */
export interface FleetSpec {
  readonly name: string;
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly nodes: { readonly min: number; readonly target: number; readonly max: number | null };
  readonly placement: 'any' | 'cluster';
  readonly requirements: Requirements;
  /** Null: idle instances above `nodes.min` are kept for ever. */
  readonly idleDurationMs: number | null;
  readonly tags: Readonly<Record<string, string>>;
}
