import { BerthError } from '@berth/core/errors';
import { newId } from '@berth/core/ids';
import type { ReadTables, Tables, UserRow } from '@berth/store';
import { UniqueViolation } from '@berth/store';
import { refuseLastingAdmin } from '../auth/lasting.ts';
import { hashToken, makeToken, tokenPrefix } from '../auth/token.ts';
import type { HandlersOf } from '../http/call.ts';
import { userView } from '../views/user.ts';
import type { ServerParts } from './parts.ts';

/** Names that would read as something else in a path. */
const RESERVED: ReadonlySet<string> = new Set(['me']);

export function userHandlers(parts: ServerParts): HandlersOf<'user.me' | 'user.list' | 'user.create' | 'user.update'> {
  const { store, clock, random, recordEvent } = parts;
  return {
    'user.me': async ({ caller }) => userView(caller.user),

    'user.list': async () => (await store.read.users.find({ orderBy: ['name', 'asc'] })).map(userView),

    'user.create': async ({ caller, body }) => {
      if (RESERVED.has(body.name))
        throw new BerthError('invalid-request', `A user cannot have the name \`${body.name}\`.`);
      const globalRole = body.global_role ?? 'user';
      refuseLastingAdmin(caller, null, { name: body.name, globalRole, active: true });
      const now = clock.now();
      const token = makeToken(random);
      const user = await store.transaction(async (tables) => {
        const made = await tables.users
          .insert({
            id: newId<'UserId'>(now, random),
            name: body.name,
            email: body.email ?? null,
            globalRole,
            active: true,
            createdAt: now,
          })
          .catch((error: unknown) => {
            if (!(error instanceof UniqueViolation)) throw error;
            throw new BerthError('conflict', `There is a user \`${body.name}\` already.`, {
              hint: 'Choose another name; `berth user list` shows those that are taken.',
            });
          });
        await tables.tokens.insert({
          id: newId<'TokenId'>(now, random),
          userId: made.id,
          name: 'first',
          hash: hashToken(token),
          prefix: tokenPrefix(token),
          scope: 'write',
          projectId: null,
          createdAt: now,
          // Else a token that was lent for an hour could make itself one for ever, under another name.
          expiresAt: caller.token.expiresAt,
          lastUsedAt: null,
          revokedAt: null,
        });
        await recordEvent(tables, {
          projectId: null,
          actor: caller.user.id,
          kind: 'user.created',
          message: `User ${made.name} was made${made.globalRole === 'admin' ? ', an admin' : ''}.`,
          ...target(made),
        });
        return made;
      });
      return { user: userView(user), token: token.reveal() };
    },

    'user.update': async ({ caller, params, body }) => {
      const user = await store.transaction(async (tables) => {
        const before = await findUser(tables, params.user);
        const after = {
          ...(body.email === undefined ? {} : { email: body.email }),
          ...(body.global_role === undefined ? {} : { globalRole: body.global_role }),
          ...(body.active === undefined ? {} : { active: body.active }),
        };
        refuseLastingAdmin(caller, before, { ...before, ...after });
        const updated = await tables.users.update(before.id, before.version, after);
        if ((await tables.users.count({ globalRole: 'admin', active: true })) === 0) {
          throw new BerthError('conflict', `\`${before.name}\` is the last admin of the server.`, {
            hint: 'Make another user an admin first.',
          });
        }
        await recordEvent(tables, {
          projectId: null,
          actor: caller.user.id,
          kind: 'user.changed',
          message: `User ${updated.name} was changed: ${Object.keys(body).join(', ') || 'nothing'}.`,
          details: { active: updated.active, global_role: updated.globalRole },
          ...target(updated),
        });
        return updated;
      });
      if (body.global_role !== undefined) await parts.backends.refresh();
      return userView(user);
    },
  };
}

/** @throws BerthError `not-found` */
export async function findUser(tables: ReadTables | Tables, name: string): Promise<UserRow> {
  const user = await tables.users.first({ where: { name } });
  if (user !== null) return user;
  throw new BerthError('not-found', `There is no user \`${name}\`.`, { hint: '`berth user list` shows all.' });
}

const target = (user: UserRow) => ({ targetKind: 'user' as const, targetId: user.id, targetName: user.name });
