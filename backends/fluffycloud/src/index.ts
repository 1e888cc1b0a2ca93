/** FluffyCloud as a backend of Berth. The cloud itself is examples/fluffycloud; API.md there documents it. */
import { type BackendContext, defineBackend, online, secret } from '@berth/backend';
import { z } from 'zod';
import { account, regions, requireRights } from './api.ts';
import { collect } from './collect.ts';
import { compute } from './compute.ts';

/** What an account shows. A field made by `secret()` is sealed, asked for without echo, and never printed. */
export const Credentials = z.strictObject({ api_key: secret() });
export type Credentials = z.output<typeof Credentials>;

export const Config = z.strictObject({
  api_url: z.url().describe('What FluffyCloud prints as `url` when it starts'),
  regions: z.array(z.string()).min(1).optional().describe('Only these regions; all when absent'),
});
export type Config = z.output<typeof Config>;

export type Context = BackendContext<Config, Credentials>;

export default defineBackend({
  type: 'fluffycloud',
  title: 'FluffyCloud',
  kind: 'vm',
  // A machine boots in a second; ten at once, with Docker in each, in some more. Lists lag by 300 ms.
  limits: { nameLength: 60, tags: true, tagKeyLength: 40, provisioningTimeoutMs: 3 * 60_000, listLagMs: 2_000 },
  // It takes public keys and promises no cloud-init; Berth comes by SSH and does the rest.
  agentStart: 'ssh',
  credentials: { api_key: Credentials },
  config: Config,
  async configure(context, { signal }) {
    const owner = await account(context, signal);
    requireRights(owner);
    return {
      config: context.config,
      account: owner.account.name,
      accountId: owner.account.id,
      choices: { regions: await regions(context, signal) },
    };
  },
  // Prices and stock may change at any time, and only those who have a key are told.
  catalog: online({
    cacheForMs: 30_000,
    credentials: 'required',
    collect,
    rules: [{ rule: 'instance-types', names: ['puff.small'] }],
  }),
  compute,
});
