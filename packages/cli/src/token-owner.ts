import type { Client } from '@berth/client/client';

/** The user whose tokens are meant: the one that was named, or whoever asks. */
export async function tokenOwner(client: Client, named: string | undefined): Promise<string> {
  return named ?? (await client.call('user.me')).name;
}
