/**
 * The room's words and pure rules. What needs zod or YAML is imported by its own name, so that a command
 * which only asks a server does not pay for them: `@berth/core/parse-configuration`, `/configuration`,
 * `/profiles-file`, `/json-schema`, `/api-schemas`, `/yaml`.
 */
export * from './accelerators.ts';
export * from './blocks.ts';
export type * from './configuration.ts';
export * from './cost.ts';
export * from './cpu-spec.ts';
export * from './diff.ts';
export * from './durations.ts';
export type * from './env-spec.ts';
export * from './errors.ts';
export type * from './file-mapping.ts';
export type { FleetFields } from './fleet.ts';
export * from './fleet-spec.ts';
export * from './format-issues.ts';
export * from './gpu-spec.ts';
export * from './ids.ts';
export * from './interpolation.ts';
export * from './job-spec.ts';
export * from './match.ts';
export * from './memory.ts';
export * from './misfit.ts';
export * from './name.ts';
export * from './nearest.ts';
export * from './offer.ts';
export * from './offers.ts';
export type * from './parse-configuration.ts';
export * from './place.ts';
export type { Profile } from './profiles-file.ts';
export * from './quote.ts';
export * from './ranges.ts';
export * from './rank.ts';
export * from './refusals.ts';
export type * from './repo-spec.ts';
export * from './requirements.ts';
export type { Resources } from './resources.ts';
export * from './run-spec.ts';
export * from './secret.ts';
export * from './shell-words.ts';
export * from './states.ts';
export type { TaskFields } from './task.ts';
export * from './version.ts';
export * from './work-secrets.ts';
