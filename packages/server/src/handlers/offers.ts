import type { HandlersOf } from '../http/call.ts';
import { offersView } from '../views/resources.ts';
import { requirementsOf } from './configuration.ts';
import type { ServerParts } from './parts.ts';
import { requireBackend } from './require-backend.ts';

const DEFAULT_OFFERS = 50;

export function offerHandlers(parts: ServerParts): HandlersOf<'offer.list'> {
  const { engine } = parts;
  return {
    'offer.list': async ({ access: { project }, body }) => {
      const requirements = requirementsOf(body.configuration);
      requireBackend(parts, project);
      const list = await engine.offers(project.id, requirements);
      return offersView(list, body.limit ?? DEFAULT_OFFERS);
    },
  };
}
