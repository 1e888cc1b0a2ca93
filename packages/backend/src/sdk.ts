/** All that a backend may import from here at run time, as one module of the published package (`own-packages.ts`). */
export * from './api-key.ts';
export * from './conformance/fake.ts';
export * from './index.ts';
export { notYet } from './not-yet.ts';
