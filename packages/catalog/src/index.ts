export type * from './accelerator-listing.ts';
export * from './catalog.ts';
export * from './catalog-offer.ts';
export * from './catalog-query.ts';
export * from './catalog-source.ts';
export * from './collected-offer.ts';
export * from './history.ts';
export * from './history-chart.ts';
export * from './history-query.ts';
export {
  blockingReason,
  checkOffers,
  type IntegrityContext,
  type IntegrityProblem,
  type IntegrityReport,
  Market,
} from './integrity.ts';
export * from './integrity-rule.ts';
export * from './normalize.ts';
export * from './publish.ts';
export {
  type CatalogManifest,
  isSourceName,
  type ManifestSource,
  type PublishedVersion,
} from './publish-manifest.ts';
export { directoryTarget, type HttpTargetOptions, httpTarget, type PublishTarget } from './publish-target.ts';
export * from './pull.ts';
export type { CachedSource, CacheProblem } from './pull-cache.ts';
export * from './pull-load.ts';
export { countQuarantined, type QuarantineCount, type Quarantined, type QuarantineRule } from './quarantine.ts';
export { type OfferOptions, requirementsFilter, toOffer } from './requirements-filter.ts';
export * from './signature.ts';
export type { SnapshotMeta } from './snapshot.ts';
export { decodeSnapshot, decodeSnapshotInSlices, encodeSnapshot, Snapshot, SnapshotBuilder } from './snapshot.ts';
export * from './source-status.ts';
export { STARTER_AS_OF, STARTER_SOURCE, STARTER_TABLES, starterOffers } from './starter/starter.ts';
