import type { TokenView, UserView } from '@berth/core/api-schemas';
import type { TokenRow, UserRow } from '@berth/store';
import type { Names } from './names.ts';

export function userView(user: UserRow): UserView {
  return {
    id: user.id,
    name: user.name,
    email: user.email,
    global_role: user.globalRole,
    active: user.active,
    created_at: user.createdAt,
  };
}

export async function tokenViews(names: Names, tokens: readonly TokenRow[]): Promise<TokenView[]> {
  const project = await names.projects(tokens.map(({ projectId }) => projectId));
  return tokens.map((token) => ({
    id: token.id,
    name: token.name,
    prefix: token.prefix,
    scope: token.scope,
    project: token.projectId === null ? null : project(token.projectId),
    created_at: token.createdAt,
    expires_at: token.expiresAt,
    last_used_at: token.lastUsedAt,
  }));
}
