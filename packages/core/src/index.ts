export * from './errors.ts';
export * from './fleet-spec.ts';
export * from './ids.ts';
export * from './job-spec.ts';
export * from './offer.ts';
export * from './secret.ts';
export * from './states.ts';
export * from './version.ts';
