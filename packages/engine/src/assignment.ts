/** What an agent is told of a job, made of run, instance and secrets. Pure; its result is never stored or logged. */
import type { InstanceResources, JobAssignment, JobLimits, RunSpec, Secret, WorkSpec } from '@berth/core';
import { BerthError } from '@berth/core';
import { resolveTemplate } from '@berth/core/interpolation';
import type { InstanceRow, JobRow, RunRow } from '@berth/store';

export interface AssignmentInput {
  readonly run: RunRow;
  readonly job: JobRow;
  readonly instance: InstanceRow;
  readonly projectName: string;
  readonly secrets: ReadonlyMap<string, Secret<string>>;
  readonly openSealed: (sealed: string) => Secret<string>;
}

/** Throws a `BerthError` when a secret that the configuration names does not exist. */
export function makeAssignment(input: AssignmentInput): JobAssignment {
  const { run, job, instance, projectName } = input;
  const jobName = `${run.name}-${job.node}-${job.replica}`;
  return {
    job: job.id,
    run: run.id,
    runName: run.name,
    projectName,
    jobName,
    work: resolveWork(run.spec.work, input),
    env: {
      ...named('PROJECT_NAME', projectName),
      ...named('RUN_ID', run.id),
      ...named('RUN_NAME', run.name),
      ...named('JOB_ID', job.id),
      ...named('JOB_NAME', jobName),
      ...named('JOB_NUM', String(job.node)),
      ...named('REPLICA_NUM', String(job.replica)),
      ...named('SUBMISSION_NUM', String(job.submission)),
    },
    limits: limitsOf(run.spec, instance.resources, instance.gpuDevices),
    // Nodes of one replica talk to each other on ports of their own choice.
    network: run.spec.nodes > 1 ? 'host' : 'bridge',
  };
}

/** Under the name that dstack's users know, and under ours. */
function named(name: string, value: string): Record<string, string> {
  return { [`DSTACK_${name}`]: value, [`BERTH_${name}`]: value };
}

function resolveWork(work: WorkSpec, input: AssignmentInput): WorkSpec {
  const resolve = (text: string): string =>
    resolveTemplate(text, (reference) => {
      if (reference.namespace !== 'secrets') return null;
      const secret = input.secrets.get(reference.name);
      if (secret === undefined) throw missingSecret(reference.name);
      return secret.reveal();
    });
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(work.env)) env[name] = resolve(value);
  const auth = work.registryAuth;
  return {
    ...work,
    env,
    registryAuth:
      auth === null
        ? null
        : {
            username: resolve(auth.username),
            password: auth.password.startsWith('enc:')
              ? resolve(input.openSealed(auth.password).reveal())
              : resolve(auth.password),
          },
  };
}

export function missingSecret(name: string): BerthError {
  return new BerthError(
    'invalid-configuration',
    `The project has no secret \`${name}\`, which the configuration names.`,
    {
      hint: `Make it with \`berth secret set ${name}\`, or correct the name.`,
    },
  );
}

/**
 * A job takes the whole instance unless its configuration says how much it may have at most: an upper
 * end of a range is a limit, an open end is none.
 */
export function limitsOf(
  spec: Pick<RunSpec, 'requirements'>,
  resources: InstanceResources,
  gpuDevices: readonly string[],
): JobLimits {
  const { cpu, memoryMiB } = spec.requirements;
  return {
    cpus: cpu.max === null ? null : Math.min(cpu.max, resources.cpus),
    memoryMiB: memoryMiB.max === null ? null : Math.min(memoryMiB.max, resources.memoryMiB),
    gpuDevices,
  };
}
