import { BerthError } from '@berth/core/errors';
import type { Caller } from '../auth/authenticate.ts';
import type { Entry } from '../backends/records.ts';
import type { HandlersOf } from '../http/call.ts';
import type { ServerParts } from './parts.ts';

export function backendHandlers(
  parts: ServerParts,
): HandlersOf<'backend.types' | 'backend.list' | 'backend.get' | 'backend.put' | 'backend.choices' | 'backend.delete'> {
  const { backends, backendAdmin } = parts;
  return {
    'backend.types': () => backendAdmin.types(),

    'backend.list': async ({ access: { project } }) => [...(await backends.views(project.id))],

    'backend.get': ({ access: { project }, params }) => backendAdmin.get(project.id, params.backend),

    'backend.put': async ({ caller, access: { project }, params, body }) =>
      backendAdmin.put(project.id, allowed(entryOf(params.backend, body), caller), caller.user.id),

    'backend.choices': async ({ caller, access: { project }, params, body }) =>
      backendAdmin.choices(project.id, allowed(entryOf(params.backend, body), caller)),

    'backend.delete': async ({ caller, access: { project }, params, query }) => ({
      holds: await backendAdmin.remove(project.id, params.backend, {
        whenEmpty: query.when_empty === 'true',
        actor: caller.user.id,
      }),
    }),
  };
}

/**
 * Credentials of kind `default` are the server's own: its account at a cloud, and on `local` its rights on this
 * machine. Anybody may make a project and is its admin; that must not be enough to have them.
 * @throws BerthError `forbidden`
 */
function allowed(entry: Entry, { user }: Caller): Entry {
  if (entry.credentials.kind !== 'default' || user.globalRole === 'admin') return entry;
  throw new BerthError('forbidden', `Backend ${entry.name} would use the credentials of the server itself.`, {
    hint: 'Give it credentials of its own, or ask an admin of the server to add it.',
  });
}

interface Submission {
  readonly type: string;
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  readonly credentials?: unknown;
}

/** What is wrong with credentials is said without repeating any of them. */
function entryOf(name: string, { type, config = {}, credentials }: Submission): Entry {
  if (credentials === undefined || credentials === null) {
    return { name, type, config, credentials: { kind: 'default', value: null } };
  }
  const { kind, value = null, ...more } = isMap(credentials) ? credentials : {};
  if (typeof kind !== 'string' || (value !== null && !isMap(value)) || Object.keys(more).length > 0) {
    throw new BerthError('invalid-request', 'The credentials must be a map with `kind` and `value`.', {
      hint: '`value` is a map of the fields of that kind.',
    });
  }
  return { name, type, config, credentials: { kind, value } };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
