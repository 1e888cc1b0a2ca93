import type { RunSubmission } from '@berth/core/api-schemas';
import { type CheckedFleet, type CheckedTask, checkConfiguration } from '@berth/core/configuration';
import { BerthError } from '@berth/core/errors';
import type { FleetSpec } from '@berth/core/fleet-spec';
import type { BlobHash, ProjectId } from '@berth/core/ids';
import type { CodeRef, FileRef, RunSpec } from '@berth/core/job-spec';
import { randomName } from '@berth/core/name';
import { toFleetSpec, toRunSpec } from '@berth/core/run-spec';
import { sealSpec } from '../crypto/sealed-spec.ts';
import type { ServerParts } from './parts.ts';

/**
 * What a client submits, checked anew and as the engine wants it; the password of a registry is sealed.
 * @throws BerthError `invalid-configuration` or `not-supported`
 */
export async function runSpecOf(
  { store, sealer, random }: Pick<ServerParts, 'store' | 'sealer' | 'random'>,
  project: ProjectId,
  submission: RunSubmission,
): Promise<RunSpec> {
  const task = checkTask(submission.configuration);
  const name = task.name ?? randomName(random);
  const spec = toRunSpec(task, { name, code: codeRef(submission.code), files: submission.files.map(fileRef) });
  if (spec.work.registryAuth === null) return spec;
  const live = await store.read.runs.first({ where: { projectId: project, name, live: true } });
  return sealSpec(spec, sealer, live?.spec ?? null);
}

/** @throws BerthError `invalid-configuration` or `not-supported` */
export function fleetSpecOf({ random }: Pick<ServerParts, 'random'>, configuration: unknown): FleetSpec {
  const fleet = checkFleet(configuration);
  return toFleetSpec(fleet, { name: fleet.name ?? randomName(random) });
}

/** For looking at offers, either will do. */
export function requirementsOf(configuration: unknown): RunSpec['requirements'] {
  const checked = checkConfiguration(configuration);
  if (checked.type === 'fleet') return toFleetSpec(checked, { name: 'offers' }).requirements;
  return toRunSpec(checked, { name: 'offers', code: null, files: [] }).requirements;
}

function checkTask(configuration: unknown): CheckedTask {
  const checked = checkConfiguration(configuration);
  if (checked.type === 'task') return checked;
  throw new BerthError('invalid-configuration', 'A fleet is not a run.', { hint: 'Apply it as a fleet.' });
}

function checkFleet(configuration: unknown): CheckedFleet {
  const checked = checkConfiguration(configuration);
  if (checked.type === 'fleet') return checked;
  throw new BerthError('invalid-configuration', 'A task is not a fleet.', { hint: 'Apply it as a run.' });
}

function codeRef(code: RunSubmission['code']): CodeRef | null {
  if (code === null) return null;
  const { path, if_exists: ifExists } = code;
  // The schema has checked that these are SHA-256 in hex.
  if (code.kind === 'tar') return { kind: 'tar', blob: code.blob as BlobHash, bytes: code.bytes, path, ifExists };
  const { remote, branch, commit, diff } = code;
  return { kind: 'git', remote, branch, commit, diff: diff as BlobHash | null, path, ifExists };
}

function fileRef({ blob, bytes, path }: RunSubmission['files'][number]): FileRef {
  return { blob: blob as BlobHash, bytes, path };
}
