import { fileURLToPath } from 'node:url';

/** In a clone this file is TypeScript; in an installed package it is part of a chunk in `dist/cli/`. */
const isSource = import.meta.url.endsWith('.ts');

/** The program of the server. */
export function serverProgram(): string {
  return fileURLToPath(new URL(isSource ? '../../server/src/main.ts' : '../server.js', import.meta.url));
}

/** The module that works on the catalog of this machine; as large as the server, so it loads when it is needed. */
export function catalogToolModule(): string {
  return new URL(isSource ? '../../server/src/catalog-tool.ts' : '../catalog-tool.js', import.meta.url).href;
}

/** The module for those who add a cloud: scaffold and conformance kit. */
export function backendToolModule(): string {
  return new URL(isSource ? '../../server/src/backend-tool.ts' : '../backend-tool.js', import.meta.url).href;
}
