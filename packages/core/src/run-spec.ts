import type { CheckedFleet, CheckedTask, ResolvedTask } from './configuration.ts';
import { type Duration, durationMs } from './durations.ts';
import type { FleetSpec } from './fleet-spec.ts';
import type { CodeRef, FileRef, RunSpec, WorkSpec } from './job-spec.ts';
import { anyOf, toRequirements } from './requirements.ts';
import { RETRY_EVENTS } from './states.ts';

/** From a checked configuration to what the engine works with: every default is here. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** These four are dstack's. */
const RETRY_DURATION_MS = HOUR_MS;
const STOP_DURATION_MS = 5 * MINUTE_MS;
const RUN_IDLE_DURATION_MS = 5 * MINUTE_MS;
const FLEET_IDLE_DURATION_MS = 72 * HOUR_MS;

/** `stop_duration: off`: the longest that a timer of Node.js can wait, 24.8 days. */
export const LONGEST_STOP_MS = 2 ** 31 - 1;

export interface RunSpecParts {
  /** The configuration's own, or one made up (`randomName`). */
  readonly name: string;
  readonly code: CodeRef | null;
  readonly files: readonly FileRef[];
}

export function toRunSpec(task: CheckedTask, parts: RunSpecParts): RunSpec {
  const { fields } = task;
  return {
    name: parts.name,
    type: 'task',
    configuration: task.source,
    nodes: fields.nodes ?? 1,
    startupOrder: fields.startup_order ?? 'any',
    stopCriteria: fields.stop_criteria ?? 'all-done',
    retry: toRetry(fields.retry),
    requirements: toRequirements(fields.resources, fields),
    creationPolicy: fields.creation_policy ?? 'reuse-or-create',
    idleDurationMs: limitMs(fields.idle_duration, RUN_IDLE_DURATION_MS),
    fleets: anyOf(fields.fleets),
    priority: fields.priority ?? 0,
    tags: fields.tags ?? {},
    work: toWork(fields, parts),
  };
}

export function toFleetSpec(fleet: CheckedFleet, parts: Pick<RunSpecParts, 'name'>): FleetSpec {
  const { fields } = fleet;
  return {
    name: parts.name,
    configuration: fleet.source,
    nodes: fields.nodes,
    placement: fields.placement ?? 'any',
    requirements: toRequirements(fields.resources, fields),
    idleDurationMs: limitMs(fields.idle_duration, FLEET_IDLE_DURATION_MS),
    tags: fields.tags ?? {},
  };
}

function toWork(fields: ResolvedTask, parts: RunSpecParts): WorkSpec {
  const image = fields.image ?? null;
  return {
    image,
    registryAuth: fields.registry_auth,
    entrypoint: fields.entrypoint ?? null,
    commands: fields.commands,
    // An image need not have bash; what runs without one is written for a login shell of a machine.
    shell: fields.shell ?? (image === null ? '/bin/bash' : '/bin/sh'),
    env: fields.env,
    user: fields.user ?? null,
    workingDir: fields.working_dir ?? null,
    privileged: fields.privileged ?? false,
    shmMiB: fields.resources?.shm_size ?? null,
    ports: fields.ports ?? [],
    mounts: fields.volumes ?? [],
    maxDurationMs: limitMs(fields.max_duration, null),
    stopDurationMs: limitMs(fields.stop_duration, STOP_DURATION_MS) ?? LONGEST_STOP_MS,
    code: parts.code,
    files: parts.files,
    artifacts: fields.artifacts ?? [],
  };
}

function toRetry(retry: ResolvedTask['retry']): RunSpec['retry'] {
  if (retry == null || retry === false) return null;
  if (retry === true) return { onEvents: RETRY_EVENTS, durationMs: RETRY_DURATION_MS };
  return {
    onEvents: [...new Set(retry.on_events ?? RETRY_EVENTS)],
    durationMs: retry.duration == null ? RETRY_DURATION_MS : retry.duration * 1000,
  };
}

/** Milliseconds; null where the limit is switched off. */
function limitMs<T extends number | null>(duration: Duration | null | undefined, otherwise: T): number | null {
  return duration == null ? otherwise : durationMs(duration);
}
