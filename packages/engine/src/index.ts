export { createEngine } from './create-engine.ts';
export * from './engine.ts';
export * from './ports.ts';
export { type Stuck, stuckness } from './stuck.ts';
