/** A sweep that somebody asks for: every backend of a project now, and what came of it in words for people. */
import type { Millis, ProjectId } from '@berth/core';
import { INSTANCE_STATUSES, isInstanceAlive } from '@berth/core';
import type { OrphanRow } from '@berth/store';
import type { Books } from './books.ts';
import { messageOf } from './effects.ts';
import type { SweptBackend, SweptOrphan } from './engine.ts';
import type { EnginePorts } from './ports.ts';
import type { Sweeps, Swept } from './sweeps.ts';
import { ORPHAN_MIN_AGE_MS } from './timing.ts';

const ALIVE = INSTANCE_STATUSES.filter(isInstanceAlive);

/** @param dryRun only looks: nothing is written, and nothing terminated */
export async function sweepProject(
  books: Books,
  ports: EnginePorts,
  sweeps: Sweeps,
  project: ProjectId,
  dryRun: boolean,
): Promise<readonly SweptBackend[]> {
  const names = new Set(ports.backends.usable(project).map(({ name }) => name));
  // Also those that hold machines and cannot be used: they are what a person must know of first.
  for (const { backend } of await books.store.read.instances.find({
    where: { projectId: project, status: { in: ALIVE } },
  })) {
    names.add(backend);
  }
  return Promise.all([...names].sort().map((name) => sweepBackend(books, ports, sweeps, { project, name, dryRun })));
}

async function sweepBackend(
  books: Books,
  ports: EnginePorts,
  sweeps: Sweeps,
  { project, name, dryRun }: { readonly project: ProjectId; readonly name: string; readonly dryRun: boolean },
): Promise<SweptBackend> {
  const nothing = { backend: name, machines: 0, orphans: [], gone: [], adopted: [] };
  const backend = ports.backends.get(project, name);
  if (backend === null) return { ...nothing, status: 'unavailable', message: 'It cannot be used at present.' };
  // `Sweeps` gives each list its deadline.
  const { signal } = new AbortController();
  try {
    const id = `${project}/${name}`;
    const swept = dryRun ? await sweeps.look(backend, id, signal) : await sweeps.sweep(books, backend, id, signal);
    const { decision, machines } = swept;
    return {
      backend: name,
      status: 'swept',
      message: null,
      machines: machines.filter(({ state }) => state !== 'terminated').length,
      orphans: orphansAfter(swept, backend.listLagMs ?? 0, ports.clock.now()),
      gone: decision.gone,
      adopted: decision.adopted,
    };
  } catch (error) {
    return { ...nothing, status: 'failed', message: messageOf(error) };
  }
}

/** As they are, or would be, once the decision is written. */
function orphansAfter({ snapshot, decision }: Swept, lagMs: number, now: Millis): readonly SweptOrphan[] {
  const orphans = new Map<string, Omit<OrphanRow, 'id' | 'version'>>();
  for (const orphan of snapshot.orphans) if (orphan.status !== 'gone') orphans.set(orphan.cloudId, orphan);
  for (const write of decision.writes) {
    if ('add' in write && write.add === 'orphans') orphans.set(write.row.cloudId, write.row);
    if ('change' in write && write.change === 'orphans') {
      orphans.set(write.row.cloudId, { ...write.row, ...write.patch });
    }
  }
  return [...orphans.values()].map((orphan) => ({
    cloudId: orphan.cloudId,
    name: orphan.name,
    token: orphan.token,
    region: orphan.region,
    instanceId: orphan.instanceId,
    status: orphan.status,
    firstSeenAt: orphan.firstSeenAt,
    terminatesAt:
      orphan.status === 'watched'
        ? Math.max(now, orphan.firstSeenAt + Math.max(ORPHAN_MIN_AGE_MS, lagMs))
        : orphan.status === 'terminating'
          ? (orphan.nextAttemptAt ?? now)
          : null,
    attempts: orphan.attempts,
    error: orphan.lastError?.message ?? null,
  }));
}
