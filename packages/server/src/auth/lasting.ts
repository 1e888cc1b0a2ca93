import { BerthError } from '@berth/core/errors';
import type { UserRow } from '@berth/store';
import type { Caller } from './authenticate.ts';

const isLiveAdmin = (user: Pick<UserRow, 'globalRole' | 'active'>): boolean =>
  user.globalRole === 'admin' && user.active;

/**
 * A token that was lent for an hour must not leave an admin behind, who would have its rights for ever.
 * @param before null: the user is new
 * @throws BerthError `forbidden`
 */
export function refuseLastingAdmin(
  { token }: Caller,
  before: UserRow | null,
  after: Pick<UserRow, 'name' | 'globalRole' | 'active'>,
): void {
  if (token.expiresAt === null || !isLiveAdmin(after) || (before !== null && isLiveAdmin(before))) return;
  throw new BerthError(
    'forbidden',
    `The token \`${token.name}\` ends itself, so it cannot make \`${after.name}\` an admin, who would outlive it.`,
    { hint: 'Use a token that does not end.' },
  );
}
