import { type Clock, newId, type RandomBytes } from '@berth/core/ids';
import type { Secret } from '@berth/core/secret';
import type { Store } from '@berth/store';
import { hashToken, makeToken, tokenPrefix } from '../auth/token.ts';
import type { RecordEvent } from '../events/record.ts';
import { createProject } from '../handlers/projects.ts';

export const FIRST_USER = 'admin';
export const FIRST_PROJECT = 'main';

/** A server without users gets one, and a project. Returns the token, which is shown nowhere else; null later on. */
export async function firstStart(parts: {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly recordEvent: RecordEvent;
}): Promise<Secret<string> | null> {
  const { store, clock, random, recordEvent } = parts;
  if ((await store.read.users.count()) > 0) return null;
  const token = makeToken(random);
  return store.transaction(async (tables) => {
    if ((await tables.users.count()) > 0) return null;
    const now = clock.now();
    const user = await tables.users.insert({
      id: newId<'UserId'>(now, random),
      name: FIRST_USER,
      email: null,
      globalRole: 'admin',
      active: true,
      createdAt: now,
    });
    await tables.tokens.insert({
      id: newId<'TokenId'>(now, random),
      userId: user.id,
      name: 'first',
      hash: hashToken(token),
      prefix: tokenPrefix(token),
      scope: 'write',
      projectId: null,
      createdAt: now,
      expiresAt: null,
      lastUsedAt: null,
      revokedAt: null,
    });
    await createProject({ clock, random, recordEvent }, tables, FIRST_PROJECT, user.id);
    return token;
  });
}
