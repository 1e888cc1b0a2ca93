import type { FleetSpec, Requirements, RunSpec, WorkSpec } from '@berth/core';

export const ANY: Requirements = {
  cpu: { min: 1, max: null },
  cpuArch: null,
  memoryMiB: { min: 0, max: null },
  diskMiB: null,
  shmMiB: null,
  gpu: null,
  capacityTypes: ['on-demand', 'spot', 'reserved'],
  maxPricePerHour: null,
  backends: null,
  regions: null,
  zones: null,
  instanceTypes: null,
};

export function taskSpec(spec: Partial<Omit<RunSpec, 'work'>> & { work?: Partial<WorkSpec> } = {}): RunSpec {
  return {
    name: 'task',
    type: 'task',
    configuration: { type: 'task', name: spec.name ?? 'task' },
    nodes: 1,
    startupOrder: 'any',
    stopCriteria: 'all-done',
    retry: null,
    requirements: ANY,
    creationPolicy: 'reuse-or-create',
    idleDurationMs: 300_000,
    fleets: null,
    priority: 0,
    tags: {},
    ...spec,
    work: {
      image: null,
      registryAuth: null,
      entrypoint: null,
      commands: ['true'],
      shell: 'sh',
      env: {},
      user: null,
      workingDir: null,
      privileged: false,
      shmMiB: null,
      ports: [],
      mounts: [],
      maxDurationMs: null,
      stopDurationMs: 10_000,
      code: null,
      files: [],
      artifacts: [],
      ...spec.work,
    },
  };
}

export function fleetSpec(spec: Partial<FleetSpec> = {}): FleetSpec {
  return {
    name: 'pool',
    configuration: { type: 'fleet', name: spec.name ?? 'pool' },
    nodes: { min: 0, target: 0, max: null },
    placement: 'any',
    requirements: ANY,
    idleDurationMs: 300_000,
    tags: {},
    ...spec,
  };
}
