import { BackendError } from '@berth/backend/backend-error';
import type { CollectContext } from '@berth/catalog/catalog-source';
import { Answer, type Ask } from './ask.ts';

const URL = 'https://console.vast.ai/api/v0/bundles/';

/** Without a limit of ours only the first few dozen come. */
const PER_PAGE = 1000;
/** Vast.ai has some thousands of machines. */
const MOST_PAGES = 200;

type Bound = { readonly gte: number } | { readonly gt: number };

/**
 * Everything that can be rented now, page by page. The API documents a limit and no cursor, but filters and
 * an order: pages go by `machine_id`, and end only when nothing is left, however few come at once. Nothing
 * else is filtered: bounds are on whole hosts there, so they would hide slices that fit.
 *
 * @throws HttpError for a page that fails; BackendError when the order is not kept or the pages do not end
 */
export async function* searchAsks({
  http,
  signal,
  log,
}: Pick<CollectContext<unknown>, 'http' | 'signal' | 'log'>): AsyncGenerator<Ask> {
  const seen = new Set<number>();
  let bound: Bound = { gte: 0 };
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const body = {
      type: 'on-demand',
      rentable: { eq: true },
      rented: { eq: false },
      machine_id: bound,
      order: [
        ['machine_id', 'asc'],
        ['id', 'asc'],
      ],
      limit: PER_PAGE,
    };
    const request = { method: 'POST', url: URL, body, schema: Answer, repeatable: true } as const;
    const { offers } = await http.json(request, signal);
    const last = lastMachine(offers);
    if (last === null) return;
    const before = seen.size;
    for (const ask of offers) {
      // A machine at the end of one page begins the next one: its slices may be on both.
      if (seen.has(ask.id)) continue;
      seen.add(ask.id);
      yield ask;
    }
    log.progress(`page ${page}, ${seen.size} offers`);
    bound = seen.size > before ? { gte: last } : { gt: last };
  }
  throw wrong(`its pages do not end after ${MOST_PAGES}`);
}

/** Null: the page is empty. */
function lastMachine(offers: readonly Ask[]): number | null {
  let last: number | null = null;
  for (const { machine_id } of offers) {
    if (last !== null && machine_id < last) throw wrong('it is not in the order that was asked for');
    last = machine_id;
  }
  return last;
}

function wrong(reason: string): BackendError {
  return new BackendError('unknown', `Vast.ai's list of offers cannot be read to its end: ${reason}`, {
    scope: 'cloud',
  });
}
