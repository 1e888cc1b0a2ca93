import type { HandlersOf } from '../http/call.ts';
import { offersView } from '../views/resources.ts';
import { requirementsOf } from './configuration.ts';
import type { ServerParts } from './parts.ts';

const DEFAULT_OFFERS = 50;

export function offerHandlers({ engine, backends }: ServerParts): HandlersOf<'offer.list' | 'backend.list'> {
  return {
    'backend.list': async ({ access: { project } }) => [...backends.views(project.id)],

    'offer.list': async ({ access: { project }, body }) => {
      const list = await engine.offers(project.id, requirementsOf(body.configuration));
      return offersView(list, body.limit ?? DEFAULT_OFFERS);
    },
  };
}
