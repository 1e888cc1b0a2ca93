export * from './engine.ts';
export * from './ports.ts';
