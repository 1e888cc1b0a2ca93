import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openArtifacts } from '@berth/client/artifacts';
import type { Client } from '@berth/client/client';
import { formatBytes } from '@berth/client/format-bytes';
import { isSystemError, reasonOf } from '@berth/client/system-error';
import type { JobView, RunView } from '@berth/core/api-schemas';
import { BerthError } from '@berth/core/errors';
import { extract } from 'tar';
import { fillArtifactsFolder, MARKER } from './artifacts-folder.ts';
import { statusLine } from './output/status-line.ts';

/** Something of an archive that is not brought here. */
export interface LeftOut {
  readonly entry: string;
  readonly why: string;
}

/** Jobs of a run that have left something which the server has. */
export function jobsWithArtifacts(run: RunView): JobView[] {
  return run.jobs.filter((job) => job.artifacts?.fetched === true);
}

/**
 * Brings what the jobs left into `path`; with several jobs, each into a folder of its own in there.
 * @returns what was left out, and why
 * @throws BerthError
 */
export async function fetchArtifacts(
  client: Client,
  run: RunView,
  path: string,
  signal?: AbortSignal,
): Promise<readonly LeftOut[]> {
  const jobs = jobsWithArtifacts(run);
  const refused: LeftOut[] = [];
  const progress = statusLine(process.stderr);
  try {
    await fillArtifactsFolder(path, { run: run.name, id: run.id }, async (dir) => {
      for (const job of jobs) {
        const target = jobs.length === 1 ? dir : join(dir, folderOf(job, run));
        await mkdir(target, { recursive: true });
        const { bytes, body } = await openArtifacts(client, run.id, { replica: job.replica, node: job.node }, signal);
        refused.push(...(await unpack(counted(body, bytes, progress), target, target === dir)));
      }
    });
  } finally {
    progress.clear();
  }
  return refused;
}

function folderOf(job: JobView, run: RunView): string {
  const replicas = run.jobs.some((other) => other.replica !== job.replica);
  return replicas ? `replica-${job.replica}-node-${job.node}` : `node-${job.node}`;
}

async function* counted(body: AsyncIterable<Uint8Array>, total: number | null, progress: { show(text: string): void }) {
  let done = 0;
  for await (const chunk of body) {
    done += chunk.length;
    progress.show(`fetching artifacts: ${formatBytes(done)}${total === null ? '' : ` of ${formatBytes(total)}`}`);
    yield chunk;
  }
}

/**
 * A job's archive is not trusted: what is in it stays below `dir`. The library refuses absolute names,
 * `..` and writing through links; links that lead out and anything but files, directories and links are
 * left out here.
 */
async function unpack(body: AsyncIterable<Uint8Array>, dir: string, isTop: boolean): Promise<LeftOut[]> {
  const refused: LeftOut[] = [];
  const stop = new AbortController();
  const unpacking = extract({
    cwd: dir,
    preserveOwner: false,
    // A model full of zeros compresses better than a thousand to one.
    maxDecompressionRatio: Infinity,
    filter: (path, entry) => {
      if (!('type' in entry)) return true;
      const why =
        isTop && isMarker(path) ? RESERVED : isAllowed(path, entry.type, entry.linkpath ?? '') ? null : OUTSIDE;
      if (why !== null) refused.push({ entry: path, why });
      // Nobody here asked for a program that runs as somebody else.
      else if (entry.mode !== undefined) entry.mode &= 0o777;
      return why === null;
    },
    onwarn: (code, message, data) => {
      if (code !== 'TAR_ENTRY_ERROR') return;
      const error: unknown = data;
      // The library takes a full disk for the fault of one file.
      if (isSystemError(error) && CONCERNS_ALL.has(error.code)) stop.abort(error);
      else
        refused.push({
          entry: typeof data.path === 'string' ? data.path : String(message),
          why: isSystemError(error) ? reasonOf(error) : OUTSIDE,
        });
    },
  });
  try {
    await pipeline(Readable.from(body, { objectMode: false }), unpacking, { signal: stop.signal });
  } catch (cause) {
    stop.signal.throwIfAborted();
    if (!(cause instanceof Error && 'tarCode' in cause)) throw cause;
    throw new BerthError('internal', `the artifacts arrived damaged: ${cause.message}`, {
      hint: 'fetch them again with `berth run artifacts`',
      cause,
    });
  }
  stop.signal.throwIfAborted();
  return refused;
}

const OUTSIDE = 'it leads out of the folder, or is no file';
const RESERVED = 'the name is kept for what Berth notes about the folder';
/** Errors after which no other file would fare better. */
const CONCERNS_ALL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE']);

function isMarker(path: string): boolean {
  return path.split('/').find((part) => part !== '' && part !== '.') === MARKER;
}

const PLAIN_ENTRIES: ReadonlySet<string> = new Set(['File', 'OldFile', 'ContiguousFile', 'Directory', 'GNUDumpDir']);

function isAllowed(path: string, type: string, target: string): boolean {
  if (type === 'SymbolicLink') return !leadsOut(path.split('/').slice(0, -1), target);
  // A hard link names its target from the top.
  if (type === 'Link') return !leadsOut([], target);
  return PLAIN_ENTRIES.has(type);
}

/**
 * Whether a target, seen from the folder `from`, may lie outside. `..` may only stand at its beginning:
 * behind the name of another link it would lead up from wherever that link leads.
 */
function leadsOut(from: readonly string[], target: string): boolean {
  if (target.startsWith('/')) return true;
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const up = parts.findIndex((part) => part !== '..');
  const climbs = up < 0 ? parts.length : up;
  const depth = from.filter((part) => part !== '' && part !== '.').length;
  return climbs > depth || parts.slice(climbs).includes('..');
}
