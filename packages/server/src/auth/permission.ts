import type { RouteName } from '@berth/core/api-routes';
import { ROUTES } from '@berth/core/api-routes';
import { API } from '@berth/core/api-schemas';
import { BerthError } from '@berth/core/errors';
import type { MemberRow, ProjectRole, ProjectRow, Store } from '@berth/store';
import { memberId } from '../views/member-id.ts';
import type { Caller } from './authenticate.ts';

/** What a caller is in the project that a request names. A global admin is an admin everywhere. */
export interface ProjectAccess {
  readonly project: ProjectRow;
  readonly role: ProjectRole;
}

const RANK: Readonly<Record<ProjectRole, number>> = { user: 0, manager: 1, admin: 2 };
const NEEDED = { member: 'user', manager: 'manager', admin: 'admin' } as const;

/** They answer a question that does not fit into a URL, and change nothing. */
const READING_POSTS: ReadonlySet<RouteName> = new Set<RouteName>([
  'offer.list',
  'offer.market',
  'catalog.offers',
  'catalog.groups',
  'blob.missing',
  'run.plan',
  'fleet.plan',
]);
/** A token that only reads is for dashboards and scripts; it must not open what is kept secret. */
const NOT_FOR_READERS: ReadonlySet<RouteName> = new Set<RouteName>(['secret.get']);
/** Without a project in their path, and yet open to a token that is bound to one: they show only what it may see. */
const FOR_BOUND_TOKENS: ReadonlySet<RouteName> = new Set<RouteName>([
  'user.me',
  'project.list',
  'backend.types',
  'catalog.offers',
  'catalog.groups',
  'catalog.gpus',
  'catalog.status',
  'catalog.history',
]);

/**
 * What can be said before anything is looked up.
 * @throws BerthError `forbidden`
 */
export function checkToken(route: RouteName, { token, user }: Caller): void {
  const [method, path] = ROUTES[route];
  const reads = method === 'GET' ? !NOT_FOR_READERS.has(route) : READING_POSTS.has(route);
  if (token.scope === 'read' && !reads) {
    throw new BerthError('forbidden', `The token \`${token.name}\` may only read.`, {
      hint: 'Use a token with the scope `write`.',
    });
  }
  if (token.projectId !== null && !path.includes('{project}') && !FOR_BOUND_TOKENS.has(route)) {
    throw new BerthError('forbidden', `The token \`${token.name}\` is good for one project only.`, {
      hint: 'Use a token that is not bound to a project.',
    });
  }
  if (API[route].access === 'global-admin' && user.globalRole !== 'admin') {
    throw new BerthError('forbidden', 'Only an admin of the server may do this.', { hint: 'Ask one of them.' });
  }
}

/**
 * The project that a request names, and what its caller is there. To who is no member, a project that
 * exists looks like one that does not.
 * @throws BerthError `not-found` or `forbidden`
 */
export async function checkProject(
  store: Store,
  route: RouteName,
  { user, token }: Caller,
  name: string,
): Promise<ProjectAccess> {
  const project = await store.read.projects.first({ where: { name, deletedAt: null } });
  const member: MemberRow | null =
    project === null ? null : await store.read.members.get(memberId(project.id, user.id));
  const role = user.globalRole === 'admin' ? 'admin' : member?.role;
  if (project === null || role === undefined) {
    throw new BerthError('not-found', `There is no project \`${shorten(name)}\` that you are a member of.`, {
      hint: '`berth project list` shows yours.',
    });
  }
  if (token.projectId !== null && token.projectId !== project.id) {
    throw new BerthError('forbidden', `The token \`${token.name}\` is good for another project only.`, {
      hint: 'Use a token of this project, or one that is bound to none.',
    });
  }
  const { access } = API[route];
  if (access === 'member' || access === 'manager' || access === 'admin') {
    const needed = NEEDED[access];
    if (RANK[role] < RANK[needed]) {
      throw new BerthError(
        'forbidden',
        `This needs the role \`${needed}\` in \`${project.name}\`; yours is \`${role}\`.`,
        {
          hint: 'An admin of the project can change your role.',
        },
      );
    }
  }
  return { project, role };
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
