import type { ApiKey } from '@berth/backend/api-key';
import type { CollectContext } from '@berth/catalog/catalog-source';
import { BerthError } from '@berth/core/errors';
import { z } from 'zod';

/** Source: DigitalOcean API 2.0, "List All Droplet Sizes" (docs.digitalocean.com/reference/api/reference/sizes). */
const SIZES = 'https://api.digitalocean.com/v2/sizes';

/** The most that one page may hold, by the same documentation; 20 when not said. */
const PER_PAGE = 200;

/** Source: DigitalOcean's client for Go (github.com/digitalocean/godo, sizes.go); the reference leaves it out. */
const GpuInfo = z.object({
  count: z.int().positive(),
  /** `nvidia_h100`, `amd_mi300x`. */
  model: z.string(),
  /** Of all devices together: 640 for eight H100. */
  vram: z.object({ amount: z.number(), unit: z.literal('gib') }),
});
export type GpuInfo = z.output<typeof GpuInfo>;

const Size = z.object({
  slug: z.string(),
  /** "Megabytes", by which MiB are meant: a Droplet of 1 GiB has 1024. */
  memory: z.number(),
  vcpus: z.number(),
  /** "Gigabytes", by which GiB are meant: `disk_info` says the same number with the unit `gib`. */
  disk: z.number(),
  /** US dollars. */
  price_hourly: z.number(),
  /** Where this account can create it; empty: nowhere. */
  regions: z.array(z.string()),
  /** Whether new Droplets of it can be created at all. */
  available: z.boolean(),
  gpu_info: GpuInfo.optional(),
});
export type Size = z.output<typeof Size>;

const Page = z.object({
  sizes: z.array(Size),
  links: z.object({ pages: z.object({ next: z.url().optional() }).optional() }).optional(),
  meta: z.object({ total: z.int().nonnegative() }),
});

/** All sizes, from all pages. @throws BerthError when the pages hold fewer sizes than the list says to have */
export async function readSizes({ http, signal, log, credentials }: CollectContext<ApiKey>): Promise<readonly Size[]> {
  const headers = { authorization: `Bearer ${credentials.api_key.reveal()}` };
  const sizes: Size[] = [];
  for (let number = 1; ; ) {
    const query = { page: number, per_page: PER_PAGE };
    const page = await http.json({ url: SIZES, query, headers, schema: Page }, signal);
    sizes.push(...page.sizes);
    log.progress(`${sizes.length} of ${page.meta.total} sizes`);
    const next = page.links?.pages?.next;
    if (next === undefined) {
      requireWhole(sizes.length, page.meta.total);
      return sizes;
    }
    number = pageAfter(number, next);
  }
}

/** Only the number is taken from the link: the token goes to no address that an answer names. */
function pageAfter(number: number, link: string): number {
  const next = Number(new URL(link).searchParams.get('page'));
  if (Number.isInteger(next) && next > number) return next;
  throw new BerthError('unavailable', `DigitalOcean's list of sizes does not go on after page ${number}`, {
    hint: `It names ${link} as the next page.`,
  });
}

function requireWhole(count: number, total: number): void {
  if (total === 0) {
    throw new BerthError('no-offers', 'DigitalOcean lists no Droplet sizes', {
      hint: 'The token needs the scopes sizes:read and regions:read.',
    });
  }
  if (count < total) {
    throw new BerthError('unavailable', `DigitalOcean's pages hold ${count} of ${total} Droplet sizes`, {
      hint: 'The list may have changed while it was read; it is read again at the next query.',
    });
  }
}
