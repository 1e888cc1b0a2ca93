import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { BerthError } from '@berth/core/errors';
import { isInstanceAlive, isJobFinished, isRunFinished } from '@berth/core/states';
import type { JobRow, RunRow } from '@berth/store';
import { artifactPath } from '../config/home.ts';
import { Pulse } from '../feeds/pulse.ts';
import type { HandlersOf } from '../http/call.ts';
import { followLog, MAX_CHUNK_BYTES } from '../logs/follow.ts';
import { isMissing } from '../logs/job-log.ts';
import { findRun } from './find.ts';
import type { ServerParts } from './parts.ts';
import { oneRunView } from './runs.ts';

export function runStreamHandlers(parts: ServerParts): HandlersOf<'run.logs' | 'run.watch' | 'run.artifacts'> {
  const { store, logs, runChanges } = parts;
  return {
    'run.logs': async ({ access: { project }, params, query, headers }, open) => {
      const run = await findRun(store.read, project, params.run);
      const job = await findJob(parts, run, query);
      const resumed = offsetFrom(headers['last-event-id']);
      const first =
        resumed ?? query.offset ?? (query.since === undefined ? 0 : await logs.offsetAt(job.id, query.since));

      const pulse = new Pulse();
      const stops = [logs.onAppend(job.id, () => pulse.beat()), runChanges.watch(run.id, () => pulse.beat())];
      try {
        const stream = open();
        const log = {
          reader: logs.reader(job.id, MAX_CHUNK_BYTES),
          pulse,
          isComplete: (offset: number) => isComplete(parts, job, offset),
        };
        let next = first;
        const follow = query.follow === 'true';
        for await (const { offset, at, bytes } of followLog(log, first, { follow, signal: stream.signal })) {
          next = offset + bytes.length;
          const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
          await stream.send({
            event: 'log',
            data: { replica: job.replica, node: job.node, offset, at, data },
            id: String(next),
          });
        }
        stream.signal.throwIfAborted();
        await stream.end({ event: 'end', data: { offset: next } });
      } finally {
        for (const stop of stops) stop();
      }
    },

    'run.watch': async ({ access: { project }, params }, open) => {
      const { id } = await findRun(store.read, project, params.run);
      const pulse = new Pulse();
      const stop = runChanges.watch(id, () => pulse.beat());
      try {
        const stream = open();
        for (;;) {
          const run = await store.read.runs.get(id);
          if (run === null) {
            throw new BerthError('not-found', `The run \`${params.run}\` was deleted.`);
          }
          await stream.send({ event: 'run', data: await oneRunView(parts, run, false), id: String(run.version) });
          if (isRunFinished(run.status)) return await stream.end({ event: 'end', data: {} });
          await pulse.wait(stream.signal);
        }
      } finally {
        stop();
      }
    },

    'run.artifacts': async ({ access: { project }, params, query }) => {
      const run = await findRun(store.read, project, params.run);
      const job = await findJob(parts, run, query);
      const path = artifactPath(parts.home, run.id, job.id);
      try {
        const { size } = await stat(path);
        const fileName = `${run.name}-${job.node}-${job.replica}.tar.gz`;
        return { bytes: size, contentType: 'application/gzip', fileName, body: createReadStream(path) };
      } catch (error) {
        if (!isMissing(error)) throw error;
        throw noArtifacts(run, job);
      }
    },
  };
}

/** The job at this place; the first of the latest submission unless told otherwise. */
async function findJob(
  { store }: ServerParts,
  run: RunRow,
  place: {
    readonly replica?: number | undefined;
    readonly node?: number | undefined;
    readonly submission?: number | undefined;
  },
): Promise<JobRow> {
  const { replica = 0, node = 0, submission } = place;
  const [job] = await store.read.jobs.find({
    where: { runId: run.id, replica, node, ...(submission === undefined ? {} : { submission }) },
    orderBy: ['submission', 'desc'],
    limit: 1,
  });
  if (job !== undefined) return job;
  const which = `replica ${replica}, node ${node}${submission === undefined ? '' : `, attempt ${submission + 1}`}`;
  throw new BerthError('not-found', `\`${run.name}\` has no job at ${which}.`, {
    hint: `\`berth run get ${run.name}\` shows its jobs.`,
  });
}

/** Every byte is here, or what is missing can come no more: the agent has let the job go, or is gone itself. */
async function isComplete({ store }: ServerParts, { id }: JobRow, offset: number): Promise<boolean> {
  const job = await store.read.jobs.get(id);
  if (job === null) return true; // deleted
  if (!isJobFinished(job.status)) return false;
  if (job.logBytes === null || offset >= job.logBytes || job.cleanedAt !== null || job.instanceId === null) return true;
  const instance = await store.read.instances.get(job.instanceId);
  return instance === null || !isInstanceAlive(instance.status);
}

/** An id is the offset of the byte after its event. */
function offsetFrom(lastEventId: string | string[] | undefined): number | null {
  return typeof lastEventId === 'string' && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : null;
}

function noArtifacts(run: RunRow, job: JobRow): BerthError {
  if (!isJobFinished(job.status)) {
    return new BerthError('not-found', `\`${run.name}\` has no artifacts yet: they are collected when it ends.`, {
      hint: `Wait for it: \`berth attach ${run.name}\`.`,
    });
  }
  if (job.artifacts !== null && !job.artifacts.fetched) {
    return new BerthError('not-found', `The artifacts of \`${run.name}\` have not been brought here.`, {
      hint: `\`berth event list --run ${run.name}\` may say why.`,
    });
  }
  return new BerthError('not-found', `\`${run.name}\` left no artifacts.`, {
    hint: 'Name the paths that are to be brought back under `artifacts` in its configuration.',
  });
}
