import { BerthError } from '@berth/core/errors';
import type { ProjectRow } from '@berth/store';
import { FIRST_PROJECT } from '../start/first-start.ts';
import type { ServerParts } from './parts.ts';

/**
 * Without any backend nothing will ever be placed: whoever plans is told so before anything is made.
 * @throws BerthError `no-offers`
 */
export function requireBackend({ backends, home }: Pick<ServerParts, 'backends' | 'home'>, project: ProjectRow): void {
  if (backends.has(project.id)) return;
  throw new BerthError('no-offers', `The project \`${project.name}\` has no backend, so nothing can run in it.`, {
    hint:
      `Whoever runs the server names its backends in ${home.serverConfig}: ` +
      `\`projects: [{ name: ${project.name}, backends: [{ type: local }] }]\`. ` +
      `The file decides for every project: one that it does not name has none, \`${FIRST_PROJECT}\` included.`,
  });
}
