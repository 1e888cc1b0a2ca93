export * from './backend-error.ts';
export * from './contract.ts';
export * from './discovery.ts';
