/** How a source stands; named in every answer, so that nobody takes an old price for a new one. */

interface SourceFacts {
  readonly source: string;
  /** `offline`: collected on a schedule. `online`: asked when needed. `starter`: ships with Berth. */
  readonly kind: 'offline' | 'online' | 'starter';
  /** Offers that it has in memory. */
  readonly offers: number;
  /** Of the version in memory; null for online sources. */
  readonly version: string | null;
}

export type SourceStatus = SourceFacts &
  (
    | { readonly state: 'fresh'; readonly collectedAt: number }
    /** Older than it should be; `reason`: why there is no newer one, where that is known. */
    | { readonly state: 'stale'; readonly collectedAt: number; readonly reason: string | null }
    /** It gave nothing to this answer. */
    | { readonly state: 'failed'; readonly reason: string }
    /** Not asked, and why: the filter names other backends, no credentials. */
    | { readonly state: 'skipped'; readonly reason: string }
  );
