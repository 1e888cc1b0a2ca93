import type { ProjectView } from '@berth/core/api-schemas';
import type { ProjectRow, ReadTables } from '@berth/store';
import type { Names } from './names.ts';

/** Projects with their members, in a fixed number of queries. */
export async function projectViews(
  read: ReadTables,
  names: Names,
  projects: readonly ProjectRow[],
): Promise<ProjectView[]> {
  if (projects.length === 0) return [];
  const members = await read.members.find({ where: { projectId: { in: projects.map(({ id }) => id) } } });
  const user = await names.users([...members.map(({ userId }) => userId), ...projects.map(({ ownerId }) => ownerId)]);
  const byProject = Map.groupBy(members, ({ projectId }) => projectId);
  return projects.map((project) => ({
    id: project.id,
    name: project.name,
    owner: user(project.ownerId),
    created_at: project.createdAt,
    members: (byProject.get(project.id) ?? [])
      .map(({ userId, role }) => ({ user: user(userId), role }))
      .toSorted((a, b) => (a.user < b.user ? -1 : 1)),
  }));
}
