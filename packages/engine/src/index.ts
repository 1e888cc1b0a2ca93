export { createEngine } from './create-engine.ts';
export * from './engine.ts';
export * from './ports.ts';
