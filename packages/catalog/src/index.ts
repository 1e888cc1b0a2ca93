export * from './catalog-offer.ts';
export * from './catalog-query.ts';
export * from './catalog-source.ts';
export * from './collected-offer.ts';
export * from './integrity-rule.ts';
export * from './normalize.ts';
export * from './source-status.ts';
