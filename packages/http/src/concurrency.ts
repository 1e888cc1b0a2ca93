/**
 * Runs `task` for every item, at most `limit` at once. Results are in the order of the items. The first
 * failure aborts the signal that the others were given; it is thrown once they have all ended, so that
 * nothing goes on behind the caller's back.
 *
 * @throws what the first failing task threw, or the signal's reason
 */
export async function mapConcurrently<Item, Result>(
  items: Iterable<Item>,
  limit: number,
  task: (item: Item, signal: AbortSignal, index: number) => Promise<Result>,
  signal: AbortSignal,
): Promise<Result[]> {
  if (!(limit >= 1)) throw new RangeError(`limit must be at least 1, not ${limit}`);
  signal.throwIfAborted();
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const results: Result[] = [];
  const list = [...items];
  const pending = list.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of pending) {
      if (stop.signal.aborted) return;
      try {
        results[index] = await task(item, stop.signal, index);
      } catch (error) {
        // Only the first abort counts: its reason is what went wrong, the others are its echo.
        stop.abort(error);
        return;
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(Math.floor(limit), list.length) }, worker));
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  stop.signal.throwIfAborted();
  return results;
}
