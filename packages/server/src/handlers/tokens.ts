import { BerthError } from '@berth/core/errors';
import { newId } from '@berth/core/ids';
import type { ProjectRow, TokenRow, UserRow } from '@berth/store';
import type { Caller } from '../auth/authenticate.ts';
import { hashToken, makeToken, tokenPrefix } from '../auth/token.ts';
import type { HandlersOf } from '../http/call.ts';
import { memberId } from '../views/member-id.ts';
import { tokenViews } from '../views/user.ts';
import type { ServerParts } from './parts.ts';
import { findUser } from './users.ts';

export function tokenHandlers(parts: ServerParts): HandlersOf<'token.list' | 'token.create' | 'token.revoke'> {
  const { store, clock, random, names, recordEvent } = parts;

  /** One's own, or everybody's for a global admin. To others it does not matter whether a user exists. */
  async function ownerOf(caller: Caller, name: string): Promise<UserRow> {
    if (name === 'me' || name === caller.user.name) return caller.user;
    if (caller.user.globalRole === 'admin') return findUser(store.read, name);
    throw new BerthError('forbidden', 'Tokens of others are for admins of the server.', {
      hint: `Your own are under the user \`${caller.user.name}\`.`,
    });
  }

  async function projectFor(owner: UserRow, name: string): Promise<ProjectRow> {
    const project = await store.read.projects.first({ where: { name, deletedAt: null } });
    const member = project === null ? null : await store.read.members.get(memberId(project.id, owner.id));
    if (project !== null && (member !== null || owner.globalRole === 'admin')) return project;
    throw new BerthError('not-found', `\`${owner.name}\` is in no project \`${name}\`.`);
  }

  return {
    'token.list': async ({ caller, params }) => {
      const owner = await ownerOf(caller, params.user);
      const tokens = await store.read.tokens.find({ where: { userId: owner.id, revokedAt: null } });
      return tokenViews(names, tokens);
    },

    'token.create': async ({ caller, params, body }) => {
      const owner = await ownerOf(caller, params.user);
      const project = body.project == null ? null : await projectFor(owner, body.project);
      const now = clock.now();
      const expiresAt = body.expires_in_ms == null ? null : now + body.expires_in_ms;
      const own = caller.token.expiresAt;
      // Else a token that was lent for an hour could make itself one for ever.
      if (own !== null && (expiresAt === null || expiresAt > own)) {
        throw new BerthError(
          'forbidden',
          `The token \`${caller.token.name}\` ends itself, so it cannot make one that lives longer.`,
          {
            hint: `Ask for one that ends before ${new Date(own).toISOString()}, or use a token that does not end.`,
          },
        );
      }
      const token = makeToken(random);
      const row = await store.transaction(async (tables) => {
        const made = await tables.tokens.insert({
          id: newId<'TokenId'>(now, random),
          userId: owner.id,
          name: body.name,
          hash: hashToken(token),
          prefix: tokenPrefix(token),
          scope: body.scope ?? 'write',
          projectId: project?.id ?? null,
          createdAt: now,
          expiresAt,
          lastUsedAt: null,
          revokedAt: null,
        });
        await recordEvent(tables, {
          projectId: project?.id ?? null,
          actor: caller.user.id,
          kind: 'token.created',
          message: `Token ${made.name} (${made.prefix}…) was made for ${owner.name}.`,
          details: { scope: made.scope, expires_at: expiresAt },
          ...target(made),
        });
        return made;
      });
      const [info] = await tokenViews(names, [row]);
      if (info === undefined) throw new Error('a token has a view');
      return { token: token.reveal(), info };
    },

    'token.revoke': async ({ caller, params }) => {
      const owner = await ownerOf(caller, params.user);
      await store.transaction(async (tables) => {
        const live = await tables.tokens.find({ where: { userId: owner.id, revokedAt: null } });
        const [found, another] = live.filter(({ id, name }) => id === params.token || name === params.token);
        if (found === undefined || another !== undefined) {
          throw new BerthError(
            found === undefined ? 'not-found' : 'conflict',
            found === undefined
              ? `\`${owner.name}\` has no token \`${params.token}\`.`
              : `\`${owner.name}\` has several tokens \`${params.token}\`.`,
            { hint: 'List the tokens, and name one by its id.' },
          );
        }
        await tables.tokens.update(found.id, found.version, { revokedAt: clock.now() });
        await recordEvent(tables, {
          projectId: found.projectId,
          actor: caller.user.id,
          kind: 'token.revoked',
          message: `Token ${found.name} (${found.prefix}…) of ${owner.name} was revoked.`,
          ...target(found),
        });
      });
      return {};
    },
  };
}

const target = (token: TokenRow) => ({ targetKind: 'token' as const, targetId: token.id, targetName: token.name });
