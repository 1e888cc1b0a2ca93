/** Whether what an agent must be told of a job can be told: its link takes messages up to a limit. */
import { BerthError, type JobAssignment, type WorkSpec } from '@berth/core';

/** For what a plan does not know yet: ids, names of the job, devices of the machine. */
const ROOM_FOR_THE_REST = 8 * 1024;
/** More of the largest parts would only hide the ones that matter. */
const PARTS_TOLD = 3;
/** A part below this share of the limit is not why the whole is too large. */
const WORTH_TELLING = 0.05;

/** The parts of the work by their names in a configuration. */
const WRITTEN_AS: Partial<Record<keyof WorkSpec, string>> = {
  registryAuth: 'registry_auth',
  workingDir: 'working_dir',
  mounts: 'volumes',
};

/**
 * @param work with its secrets filled in
 * @param maxBytes of the message as JSON in UTF-8
 * @throws BerthError `too-large`
 */
export function refuseTooLargeWork(work: WorkSpec, maxBytes: number): void {
  if (jsonBytes(work) > maxBytes - ROOM_FOR_THE_REST) throw tooLarge(work, maxBytes);
}

/** @throws BerthError `too-large` */
export function refuseTooLargeAssignment(assignment: JobAssignment, maxBytes: number): void {
  if (jsonBytes(assignment) > maxBytes) throw tooLarge(assignment.work, maxBytes);
}

/** Its secrets alone are more than any message may have: they are not even put in place. */
export function tooManySecrets(where: string, maxBytes: number): BerthError {
  return refusal(`\`${where}\` with its secrets filled in is larger than that.`, maxBytes);
}

function tooLarge(work: WorkSpec, maxBytes: number): BerthError {
  const parts = [
    ...Object.entries(work.env).map(([name, value]) => ({ name: `env.${name}`, bytes: jsonBytes(value) })),
    ...Object.entries(work)
      .filter(([key]) => key !== 'env')
      .map(([key, value]) => ({ name: WRITTEN_AS[key as keyof WorkSpec] ?? key, bytes: jsonBytes(value) })),
  ].sort((a, b) => b.bytes - a.bytes);
  const told = parts.slice(0, PARTS_TOLD).filter(({ bytes }) => bytes > maxBytes * WORTH_TELLING);
  const whole = `They have ${kib(jsonBytes(work))}`;
  const sizes = told.map(({ name, bytes }) => `\`${name}\` ${kib(bytes)}`).join(', ');
  return refusal(`${whole}${sizes === '' ? '' : ` (${sizes})`}.`, maxBytes);
}

function refusal(what: string, maxBytes: number): BerthError {
  return new BerthError(
    'too-large',
    `Commands, env and the rest of what a job is told may have ${kib(maxBytes)} together. ${what}`,
    {
      hint: 'Put what is large into a file, beside the code or named in `files`, and read it in the job.',
      details: { max_bytes: maxBytes },
    },
  );
}

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

const kib = (bytes: number): string => `${Math.ceil(bytes / 1024).toLocaleString('en-US')} KiB`;
