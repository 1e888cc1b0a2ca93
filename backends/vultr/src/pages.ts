import { BackendError } from '@berth/backend/backend-error';
import type { CollectContext } from '@berth/catalog/catalog-source';
import { type ZodType, z } from 'zod';

const API = 'https://api.vultr.com/v2';
/** The most that Vultr gives at once. */
const PER_PAGE = 500;
/** A list of Vultr's has one or two pages. */
const MOST_PAGES = 100;

/** Source: Vultr API v2, "Meta and Pagination" (www.vultr.com/api/). The last page's `next` is an empty text. */
const Meta = z.object({ total: z.int().nonnegative(), links: z.object({ next: z.string().nullish() }) });

/**
 * Everything on all pages of one of Vultr's lists, which is found under `key`.
 *
 * @throws HttpError for a page that fails
 * @throws BackendError when the pages do not end, or hold less than their total
 */
export async function allPages<T>(
  { http, signal }: Pick<CollectContext<unknown>, 'http' | 'signal'>,
  path: string,
  key: string,
  schema: ZodType<T>,
  query: Readonly<Record<string, string>> = {},
): Promise<readonly T[]> {
  const Page = z.object({ [key]: z.array(schema), meta: Meta }).transform((page) => ({
    // Parsed just now: TypeScript takes every key for the one that was computed.
    items: page[key] as readonly T[],
    meta: page['meta'] as z.output<typeof Meta>,
  }));
  const all: T[] = [];
  const seen = new Set<string>();
  for (let cursor: string | undefined; ; ) {
    const request = { url: `${API}/${path}`, query: { ...query, per_page: PER_PAGE, cursor }, schema: Page };
    const page = await http.json(request, signal);
    all.push(...page.items);
    const { next } = page.meta.links;
    if (next == null || next === '') {
      if (all.length >= page.meta.total) return all;
      throw incomplete(path, `${all.length} of ${page.meta.total} came`);
    }
    if (seen.has(next) || seen.size >= MOST_PAGES) throw incomplete(path, 'its pages do not end');
    seen.add(next);
    cursor = next;
  }
}

function incomplete(path: string, reason: string): BackendError {
  return new BackendError('unknown', `Vultr's list of ${path} is not whole: ${reason}`, { scope: 'cloud' });
}
