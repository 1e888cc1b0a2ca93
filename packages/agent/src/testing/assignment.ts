import { newId } from '@berth/core/ids';
import type { JobAssignment, JobLimits, WorkSpec } from '@berth/core/job-spec';

let counter = 0;

/** A job that has only what a test says; every call makes a new id. */
export function testAssignment(
  work: Partial<WorkSpec>,
  rest: Partial<Omit<JobAssignment, 'work' | 'limits'>> & { readonly limits?: Partial<JobLimits> } = {},
): JobAssignment {
  const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
  counter += 1;
  return {
    job: newId<'JobId'>(Date.now() + counter, random),
    run: newId<'RunId'>(Date.now(), random),
    runName: 'brave-otter',
    projectName: 'main',
    jobName: 'brave-otter-0-0',
    env: {},
    network: 'host',
    ...rest,
    limits: { cpus: null, memoryMiB: null, gpuDevices: [], ...rest.limits },
    work: {
      image: null,
      registryAuth: null,
      entrypoint: null,
      commands: [],
      shell: 'sh',
      env: {},
      user: null,
      workingDir: null,
      privileged: false,
      shmMiB: null,
      ports: [],
      mounts: [],
      maxDurationMs: null,
      stopDurationMs: 5_000,
      code: null,
      files: [],
      artifacts: [],
      ...work,
    },
  };
}
