/** Asks every backend for offers at the same time; a slow or broken one costs only its own, and is named. */
import type { Offer, ProjectId, Requirements } from '@berth/core';
import { withFacets } from '@berth/core/facets-needed';
import { matcher } from '@berth/core/match';
import { MisfitTally } from '@berth/core/misfit';
import { compareOffers, isChoosable } from '@berth/core/rank';
import { messageOf } from './effects.ts';
import type { OfferList, OfferSource } from './engine.ts';
import type { Backends, EngineClock, UsableBackend } from './ports.ts';
import { OFFERS_DEADLINE_MS } from './timing.ts';
import { withAvailability } from './with-availability.ts';

export interface Gathered {
  /** All offers, whether they fit or not. */
  readonly offers: readonly Offer[];
  readonly sources: readonly OfferSource[];
}

export async function gatherOffers(
  ports: { readonly backends: Backends; readonly clock: EngineClock },
  project: ProjectId,
  requirements: Requirements | null,
): Promise<Gathered> {
  const answers = await Promise.all(
    ports.backends.usable(project).map((backend) => ask(ports.clock, backend, requirements)),
  );
  return { offers: answers.flatMap((a) => a.offers), sources: answers.map((a) => a.source) };
}

/** An agent in somebody's container has to call the server, and no link does that so far. */
const CONTAINERS_LATER = 'it sells containers, in which this version of Berth cannot run jobs yet';

async function ask(
  clock: EngineClock,
  backend: UsableBackend,
  requirements: Requirements | null,
): Promise<{ offers: readonly Offer[]; source: OfferSource }> {
  const source = (status: OfferSource['status'], offers: number, message: string | null): OfferSource => ({
    backend: backend.name,
    status,
    offers,
    message,
  });
  if (requirements?.backends != null && !requirements.backends.includes(backend.name)) {
    return { offers: [], source: source('skipped', 0, 'not among the configuration’s `backends`') };
  }
  if (backend.agentStart === 'entrypoint') return { offers: [], source: source('failed', 0, CONTAINERS_LATER) };
  const deadline = new AbortController();
  let cancel: () => void = () => {};
  const late = new Promise<'late'>((resolve) => {
    cancel = clock.after(OFFERS_DEADLINE_MS, () => {
      deadline.abort(new Error('too slow'));
      resolve('late');
    });
  });
  try {
    const answer = await Promise.race([backend.offers(requirements, deadline.signal), late]);
    if (answer === 'late') {
      return { offers: [], source: source('timed-out', 0, `no answer within ${OFFERS_DEADLINE_MS / 1000} s`) };
    }
    const told = await withAvailability(clock, backend, answer, requirements);
    return {
      offers: withFacets(told.offers, requirements, backend.facets),
      source: source('fresh', answer.length, told.problem),
    };
  } catch (error) {
    return { offers: [], source: source('failed', 0, messageOf(error)) };
  } finally {
    cancel();
  }
}

/** What fits, cheapest first, those that can be had before those that cannot; and why the rest does not. */
export function fitting(gathered: Gathered, requirements: Requirements): OfferList {
  const misfit = matcher(requirements);
  const tally = new MisfitTally(requirements);
  const offers: Offer[] = [];
  for (const offer of gathered.offers) {
    const why = misfit(offer);
    if (why === null) offers.push(offer);
    else tally.add(why);
  }
  offers.sort(
    (a, b) => Number(isChoosable(b.availability)) - Number(isChoosable(a.availability)) || compareOffers(a, b),
  );
  return { offers, sources: gathered.sources, misfits: tally.counts().map(({ reason, count }) => ({ reason, count })) };
}
