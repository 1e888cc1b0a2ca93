import { ApiError } from './api-error.ts';
import { MAX_PAGE_SIZE } from './options.ts';

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/**
 * The page that the query asks for. `items` are in the order of `seq`. A cursor is the number of the last item that
 * was shown, so it stays good whatever comes and goes.
 */
export function pageOf<T extends { readonly seq: number }>(
  items: readonly T[],
  query: URLSearchParams,
  pageSize: number,
): Page<T> {
  const limitText = query.get('limit');
  const limit = limitText === null ? pageSize : Number(limitText);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE_SIZE) {
    throw new ApiError('invalid-request', `limit is a whole number from 1 to ${MAX_PAGE_SIZE}`, { field: 'limit' });
  }
  const cursor = query.get('cursor');
  const after = cursor === null ? 0 : readCursor(cursor);
  const rest = items.filter(({ seq }) => seq > after);
  const shown = rest.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown, nextCursor: last !== undefined && rest.length > limit ? writeCursor(last.seq) : null };
}

function writeCursor(seq: number): string {
  return Buffer.from(`after ${seq}`).toString('base64url');
}

function readCursor(cursor: string): number {
  const seq = /^after (\d+)$/.exec(Buffer.from(cursor, 'base64url').toString())?.[1];
  if (seq === undefined) throw new ApiError('invalid-cursor', 'this cursor does not come from this list');
  return Number(seq);
}
