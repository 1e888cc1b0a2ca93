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
      'An admin of the project adds a cloud with `berth backend add`. ' +
      `Or whoever runs the server names its backends in ${home.serverConfig}: ` +
      `\`projects: [{ name: ${project.name}, backends: [{ type: local }] }]\`. ` +
      `Besides those that were added, a project has what the file names; without a file, \`${FIRST_PROJECT}\` has this machine.`,
  });
}
