/** What an agent is told of a job, made of run, instance and secrets. Pure; its result is never stored or logged. */
import type { InstanceResources, JobAssignment, JobLimits, RunSpec, Secret, WorkSpec } from '@berth/core';
import { BerthError } from '@berth/core';
import { resolveTemplate } from '@berth/core/interpolation';
import type { InstanceRow, JobRow, RunRow } from '@berth/store';
import { refuseTooLargeAssignment, tooManySecrets } from './assignment-size.ts';

export interface AssignmentInput {
  readonly run: RunRow;
  readonly job: JobRow;
  readonly instance: InstanceRow;
  readonly projectName: string;
  readonly secrets: ReadonlyMap<string, Secret<string>>;
  readonly openSealed: (sealed: string) => Secret<string>;
  /** What the agent's link takes as one message, in bytes of JSON. */
  readonly maxBytes: number;
}

/** Throws a `BerthError` when a secret that the configuration names does not exist, or all is too large to be sent. */
export function makeAssignment(input: AssignmentInput): JobAssignment {
  const { run, job, instance, projectName } = input;
  const jobName = `${run.name}-${job.node}-${job.replica}`;
  const assignment: JobAssignment = {
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
  refuseTooLargeAssignment(assignment, input.maxBytes);
  return assignment;
}

/** Under the name that dstack's users know, and under ours. */
function named(name: string, value: string): Record<string, string> {
  return { [`DSTACK_${name}`]: value, [`BERTH_${name}`]: value };
}

/** The work with its secrets in place. Throws as `makeAssignment`. */
export function resolveWork(
  work: WorkSpec,
  { secrets, openSealed, maxBytes }: Pick<AssignmentInput, 'secrets' | 'openSealed' | 'maxBytes'>,
): WorkSpec {
  let revealed = 0;
  const resolve = (where: string, text: string): string =>
    resolveTemplate(text, (reference) => {
      if (reference.namespace !== 'secrets') return null;
      const secret = secrets.get(reference.name);
      if (secret === undefined) throw missingSecret(reference.name);
      const value = secret.reveal();
      // Before it is in place: a short text can name a long secret very often.
      revealed += value.length;
      if (revealed > maxBytes) throw tooManySecrets(where, maxBytes);
      return value;
    });
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(work.env)) env[name] = resolve(`env.${name}`, value);
  const auth = work.registryAuth;
  return {
    ...work,
    env,
    registryAuth:
      auth === null
        ? null
        : {
            username: resolve('registry_auth.username', auth.username),
            password: resolve(
              'registry_auth.password',
              auth.password.startsWith('enc:') ? openSealed(auth.password).reveal() : auth.password,
            ),
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
