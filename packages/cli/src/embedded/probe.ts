import { createClient } from '@berth/client/client';
import type { ApiResponse } from '@berth/core/api-schemas';

/** Longer than a healthy server on this machine ever takes. */
const DEADLINE_MS = 2_000;

/** What the server at this address says of itself; null when nobody there speaks Berth. */
export async function probe(url: string): Promise<ApiResponse<'server.info'> | null> {
  const client = createClient({ url, token: null });
  try {
    return await client.call('server.info', { deadlineMs: DEADLINE_MS });
  } catch {
    return null;
  } finally {
    client.close();
  }
}
