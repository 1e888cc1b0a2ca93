export * from './backend-error.ts';
export * from './contract.ts';
