import { BerthError } from '@berth/core/errors';

export const DEFAULT_PAGE = 50;

/** Rows of one page, asked for with one more than `limit`, and where the next page begins. */
export function pageOf<Row extends { readonly id: string }>(
  rows: readonly Row[],
  limit: number,
): { readonly rows: readonly Row[]; readonly next: string | null } {
  const shown = rows.slice(0, limit);
  return { rows: shown, next: rows.length > limit ? (shown.at(-1)?.id ?? null) : null };
}

/** An `after` that names nothing is the caller's mistake. */
export async function orBadAfter<T>(after: string | undefined, find: Promise<T>): Promise<T> {
  try {
    return await find;
  } catch (error) {
    if (after === undefined || !(error instanceof BerthError) || error.code !== 'not-found') throw error;
    throw new BerthError('invalid-request', `\`after\` names something that is not there (any more): ${after}`, {
      hint: 'Begin with the first page again.',
    });
  }
}
