import type { ProjectId, UserId } from '@berth/core/ids';

/** A member's row is found by who is a member of what. */
export const memberId = (project: ProjectId, user: UserId): string => `${project}/${user}`;
