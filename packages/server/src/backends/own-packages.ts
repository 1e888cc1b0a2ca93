/** Where this Berth's own copies of what backends import lie. */
import { offerOwnPackages } from '@berth/backend/own-packages';

/** In a clone this file is TypeScript; in an installed package it is part of a bundle in `dist/`. */
const isSource = import.meta.url.endsWith('.ts');

/** Of a build: one module for each package, whatever of it is asked for. */
const BUILT: readonly (readonly [RegExp, string])[] = [
  [/^@berth\/backend(?:\/|$)/, './sdk/backend.js'],
  [/^@berth\/core(?:\/|$)/, './sdk/core.js'],
  [/^@berth\/http(?:\/|$)/, './sdk/http.js'],
  [/^zod(?:\/|$)/, './sdk/zod.js'],
];

/** For every backend that is loaded from now on. */
export function offerBerth(): void {
  offerOwnPackages((specifier) => {
    if (isSource) return import.meta.resolve(specifier);
    const built = BUILT.find(([pattern]) => pattern.test(specifier));
    return built === undefined ? null : new URL(built[1], import.meta.url).href;
  });
}
