import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '@berth/core/errors';
import { newId, type UserId } from '@berth/core/ids';
import type { EventTargetKind, ProjectRow, Tables } from '@berth/store';
import { UniqueViolation } from '@berth/store';
import type { HandlersOf } from '../http/call.ts';
import { memberId } from '../views/member-id.ts';
import { projectViews } from '../views/project.ts';
import type { ServerParts } from './parts.ts';
import { refuseHeld } from './refuse-held.ts';

/** Runs whose files are removed at a time. */
const BATCH = 100;

export function projectHandlers(
  parts: ServerParts,
): HandlersOf<'project.list' | 'project.create' | 'project.get' | 'project.delete'> {
  const { store, names, recordEvent } = parts;
  return {
    'project.list': async ({ caller: { user, token } }) => {
      const ids =
        user.globalRole === 'admin'
          ? null
          : (await store.read.members.find({ where: { userId: user.id } })).map(({ projectId }) => projectId);
      const projects = await store.read.projects.find({
        where: { deletedAt: null, ...(ids === null ? {} : { id: { in: ids } }) },
        orderBy: ['name', 'asc'],
      });
      const seen = projects.filter(({ id }) => token.projectId === null || token.projectId === id);
      return projectViews(store.read, names, seen);
    },

    'project.create': async ({ caller, body }) => {
      const project = await store.transaction((tables) => createProject(parts, tables, body.name, caller.user.id));
      await parts.backends.refresh();
      return viewOf(parts, project);
    },

    'project.get': async ({ access }) => viewOf(parts, access.project),

    'project.delete': async ({ caller, access: { project } }) => {
      if (parts.backends.isConfigured(project.name)) {
        throw new BerthError('conflict', `\`${project.name}\` is named in the server's config.yml.`, {
          hint: 'Take it out of there first, or it would come back at the next start.',
        });
      }
      await store.transaction(async (tables) => {
        await refuseHeld(tables, project);
        await tables.projects.update(project.id, project.version, { deletedAt: parts.clock.now() });
        await tables.secrets.delete({ projectId: project.id });
        await tables.members.delete({ projectId: project.id });
        await recordEvent(tables, {
          projectId: project.id,
          actor: caller.user.id,
          kind: 'project.deleted',
          message: `Project ${project.name} was deleted.`,
          ...projectTarget(project),
        });
      });
      await parts.backends.refresh();
      await removeFiles(parts, project);
      return {};
    },
  };
}

/** Its first member, an admin, is `owner`. Also for projects that the server's config.yml names. */
export async function createProject(
  parts: Pick<ServerParts, 'clock' | 'random' | 'recordEvent'>,
  tables: Tables,
  name: string,
  owner: UserId,
): Promise<ProjectRow> {
  const now = parts.clock.now();
  const project = await tables.projects
    .insert({ id: newId<'ProjectId'>(now, parts.random), name, ownerId: owner, createdAt: now, deletedAt: null })
    .catch((error: unknown) => {
      if (!(error instanceof UniqueViolation)) throw error;
      throw new BerthError('conflict', `The name \`${name}\` is taken by another project.`, {
        hint: 'Choose another.',
      });
    });
  await tables.members.insert({ id: memberId(project.id, owner), projectId: project.id, userId: owner, role: 'admin' });
  await parts.recordEvent(tables, {
    projectId: project.id,
    actor: owner,
    kind: 'project.created',
    message: `Project ${project.name} was made.`,
    ...projectTarget(project),
  });
  return project;
}

export async function viewOf(parts: ServerParts, project: ProjectRow) {
  const [view] = await projectViews(parts.store.read, parts.names, [project]);
  if (view === undefined) throw new Error('a project has a view');
  return view;
}

export const projectTarget = (project: ProjectRow) => ({
  targetKind: 'project' as EventTargetKind,
  targetId: project.id,
  targetName: project.name,
});

/** The rows of its runs stay: what they cost was paid. */
async function removeFiles({ store, home, logs, blobs }: ServerParts, project: ProjectRow): Promise<void> {
  await blobs.removeProject(project.id);
  for (let after: string | undefined; ; ) {
    const runs = await store.read.runs.find({
      where: { projectId: project.id },
      limit: BATCH,
      ...(after === undefined ? {} : { after }),
    });
    if (runs.length === 0) return;
    const jobs = await store.read.jobs.find({ where: { runId: { in: runs.map(({ id }) => id) } } });
    await logs.remove(jobs.map(({ id }) => id));
    for (const { id } of runs) await rm(join(home.artifacts, id), { recursive: true, force: true });
    after = runs.at(-1)?.id;
  }
}
