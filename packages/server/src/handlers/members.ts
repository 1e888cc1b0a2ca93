import { BerthError } from '@berth/core/errors';
import type { ProjectRole, Tables } from '@berth/store';
import type { ProjectAccess } from '../auth/permission.ts';
import type { HandlersOf } from '../http/call.ts';
import { memberId } from '../views/member-id.ts';
import type { ServerParts } from './parts.ts';
import { projectTarget, viewOf } from './projects.ts';
import { findUser } from './users.ts';

export function memberHandlers(parts: ServerParts): HandlersOf<'member.put' | 'member.delete'> {
  const { store, recordEvent } = parts;
  return {
    'member.put': async ({ caller, access, params, body }) => {
      const { project } = access;
      await store.transaction(async (tables) => {
        const user = await findUser(tables, params.user);
        const id = memberId(project.id, user.id);
        const member = await tables.members.get(id);
        // Who adds a member again without a word about the role does not mean to take one away.
        const role = body.role ?? member?.role ?? 'user';
        if (member?.role === role) return;
        mayTouch(access, [member?.role, role]);
        if (member === null) await tables.members.insert({ id, projectId: project.id, userId: user.id, role });
        else await tables.members.update(id, member.version, { role });
        if (member?.role === 'admin') await keepAnAdmin(tables, access);
        await recordEvent(tables, {
          projectId: project.id,
          actor: caller.user.id,
          kind: member === null ? 'member.added' : 'member.changed',
          message: `${user.name} is now ${role} in ${project.name}.`,
          details: { user: user.name, role },
          ...projectTarget(project),
        });
      });
      return viewOf(parts, project);
    },

    'member.delete': async ({ caller, access, params }) => {
      const { project } = access;
      await store.transaction(async (tables) => {
        const user = await findUser(tables, params.user);
        const id = memberId(project.id, user.id);
        const member = await tables.members.get(id);
        if (member === null) throw new BerthError('not-found', `\`${user.name}\` is no member of \`${project.name}\`.`);
        mayTouch(access, [member.role]);
        await tables.members.delete({ id });
        if (member.role === 'admin') await keepAnAdmin(tables, access);
        await recordEvent(tables, {
          projectId: project.id,
          actor: caller.user.id,
          kind: 'member.removed',
          message: `${user.name} was removed from ${project.name}.`,
          details: { user: user.name },
          ...projectTarget(project),
        });
      });
      return viewOf(parts, project);
    },
  };
}

/** A manager who could make or unmake admins would be one. */
function mayTouch({ role, project }: ProjectAccess, roles: readonly (ProjectRole | undefined)[]): void {
  if (role === 'admin' || !roles.includes('admin')) return;
  throw new BerthError('forbidden', `Only an admin of \`${project.name}\` may add, change or remove an admin.`, {
    hint: 'Ask one of them.',
  });
}

async function keepAnAdmin(tables: Tables, { project }: ProjectAccess): Promise<void> {
  if ((await tables.members.count({ projectId: project.id, role: 'admin' })) > 0) return;
  throw new BerthError('conflict', `This is the last admin of \`${project.name}\`.`, {
    hint: 'Make another member an admin first.',
  });
}
