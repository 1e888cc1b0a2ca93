import { rmSync } from 'node:fs';
import type { BlobHash, Millis, ProjectId } from '@berth/core/ids';
import type { RunSpec } from '@berth/core/job-spec';
import type { BlobRow, Store } from '@berth/store';
import { type BlobStore, blobId, KEEP_UNUSED_MS } from './blob-store.ts';

/** Rows per transaction: other writers wait while it runs. */
const BATCH = 100;

/** The blobs that a run's jobs are made of. */
export function blobsOf(spec: RunSpec): BlobHash[] {
  const { code, files } = spec.work;
  const ofCode = code === null ? null : code.kind === 'git' ? code.diff : code.blob;
  return [...(ofCode === null ? [] : [ofCode]), ...files.map(({ blob }) => blob)];
}

/** Removes blobs that no live run needs and nobody used for a week. Returns how many went. */
export async function collectBlobs(store: Store, blobs: BlobStore, now: Millis): Promise<number> {
  let removed = 0;
  for (;;) {
    const old = await store.read.blobs.find({
      where: { usedAt: { lt: now - KEEP_UNUSED_MS } },
      orderBy: ['usedAt', 'asc'],
      limit: BATCH,
    });
    if (old.length === 0) return removed;
    const gone = await store.transaction(async (tables) => {
      const live = await tables.runs.find({ where: { live: true, projectId: { in: projectsOf(old) } } });
      const needed = new Set(live.flatMap((run) => blobsOf(run.spec).map((hash) => blobId(run.projectId, hash))));
      const unneeded: BlobRow[] = [];
      for (const { id } of old) {
        // Read again: it may have been used since.
        const row = await tables.blobs.get(id);
        if (row === null || row.usedAt >= now - KEEP_UNUSED_MS) continue;
        if (needed.has(id)) await tables.blobs.update(id, row.version, { usedAt: now });
        else unneeded.push(row);
      }
      if (unneeded.length > 0) await tables.blobs.delete({ id: { in: unneeded.map(({ id }) => id) } });
      // In the same turn of the writers: a blob that is sent again right now must not lose its new file.
      for (const { projectId, hash } of unneeded) rmSync(blobs.path(projectId, hash), { force: true });
      return unneeded.length;
    });
    removed += gone;
  }
}

const projectsOf = (rows: readonly BlobRow[]): ProjectId[] => [...new Set(rows.map(({ projectId }) => projectId))];
