export * from './backend-entry.ts';
export * from './backend-error.ts';
export * from './backend-form.ts';
export * from './contract.ts';
export * from './discovery.ts';
export { DEFAULT_DEADLINES, type Deadlines } from './guarded-compute.ts';
export * from './machine-name.ts';
export * from './registry.ts';
export { secret } from './secret-field.ts';
