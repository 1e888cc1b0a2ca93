/** A backend for `HttpCloud`, as one would write it, and with mistakes that only HTTP shows. */
import type { CollectContext } from '@berth/catalog/catalog-source';
import type { HttpRequest } from '@berth/http';
import { type ZodType, z } from 'zod';
import { BackendError } from '../../backend-error.ts';
import { type Call, type CloudInstance, type ComputeDefinition, defineBackend, online } from '../../contract.ts';
import { tokenOfTags } from '../../machine-name.ts';
import { secret } from '../../secret-field.ts';

export const HTTP_BREAKS = [
  'signal', // waits for the cloud, whoever has lost interest
  'half-list', // a page that cannot be read is left out
  'swallow', // every refusal of an end is success
  'url-key', // the key is in the URL
  'impatient', // does not wait as it is told
  'old-prices', // remembers its price list
  'chatty', // configures with a request for each region and type
] as const;
export type HttpBreak = (typeof HTTP_BREAKS)[number];

const View = z.object({
  id: z.string(),
  name: z.string(),
  tags: z.record(z.string(), z.string()),
  region: z.string(),
  status: z.enum(['booting', 'running', 'deleting']),
});
const Page = z.object({ machines: z.array(View), next: z.number().nullable() });
const Types = z.array(z.object({ type: z.string(), region: z.string(), price: z.number() }));

/** `url` of the cloud is needed for its price list alone: that is collected without a config. */
export function httpBackend(url: string, breaks: HttpBreak | null = null): ComputeDefinition<unknown, unknown> {
  const remembered: z.output<typeof Types> = [];
  return defineBackend({
    type: 'http',
    title: 'HTTP cloud',
    kind: 'vm',
    limits: { nameLength: 63, tags: true, provisioningTimeoutMs: 60_000, listLagMs: 300 },
    agentStart: 'ssh',
    credentials: { api_key: z.strictObject({ api_key: secret() }) },
    config: z.strictObject({ url: z.url() }),
    catalog: online({
      cacheForMs: 0,
      credentials: 'none',
      rules: [],
      async *collect({ http, signal }: CollectContext<unknown>) {
        const fresh = await http.json({ url: `${url}/types`, schema: Types }, signal);
        if (remembered.length === 0 || breaks !== 'old-prices') remembered.splice(0, remembered.length, ...fresh);
        for (const { type, region, price } of remembered) {
          yield {
            instanceType: type,
            region,
            capacityType: 'on-demand',
            pricePerHour: price,
            cpus: 2,
            memoryMiB: 4096,
          };
        }
      },
    }),
    configure: async ({ config, credentials, http }, call) => {
      const headers = { authorization: `Bearer ${credentials.api_key.reveal()}` };
      for (let n = 0; n < (breaks === 'chatty' ? 12 : 1); n++) {
        await http.text({ url: `${config.url}/account`, headers }, call.signal);
      }
      return { config, account: 'acme' };
    },
    compute: ({ config, credentials, http, installation }) => {
      const key = credentials.api_key.reveal();
      const ask = async <T>(
        request: Pick<HttpRequest, 'method' | 'body' | 'repeatable'> & { readonly path: string },
        schema: ZodType<T>,
        call: Call,
      ): Promise<T> => {
        const { path, ...rest } = request;
        const inUrl = breaks === 'url-key';
        const sent = {
          ...rest,
          url: `${config.url}${path}`,
          ...(inUrl ? { query: { key } } : { headers: { authorization: `Bearer ${key}` } }),
        };
        if (breaks === 'impatient') return schema.parse(await impatiently(sent, call));
        const signal = breaks === 'signal' ? new AbortController().signal : call.signal;
        return await http.json({ ...sent, schema }, signal);
      };
      const told = ({ id, name, region, status }: z.output<typeof View>, token: string | null): CloudInstance => {
        const state = status === 'booting' ? 'starting' : status === 'deleting' ? 'terminating' : 'running';
        const address = { kind: 'ssh', host: '192.0.2.7', port: 22, user: 'root', hostKeys: [] } as const;
        return { cloudId: id, token, name, region, zone: null, state, address, internalIp: null };
      };
      return {
        create: async ({ token, name, tags, offer, agentStart }, call) => {
          const keys = agentStart.kind === 'ssh' ? agentStart.authorizedKeys : [];
          const body = { token, name, tags, type: offer.instanceType, region: offer.region, keys };
          const view = await ask({ method: 'POST', path: '/machines', body }, View, call).catch(inContract);
          return told(view, token);
        },
        list: async (call) => {
          const found: CloudInstance[] = [];
          for (let from: number | null = 0; from !== null; ) {
            const path: string = `/machines?from=${from}`;
            const page: z.output<typeof Page> | null = await ask({ path }, Page, call).catch((error: unknown) => {
              if (breaks === 'half-list') return null;
              throw error;
            });
            for (const view of page?.machines ?? []) {
              const token = tokenOfTags(view.tags, installation);
              if (token !== undefined) found.push(told(view, token));
            }
            from = page?.next ?? null;
          }
          return found;
        },
        terminate: async ({ cloudId }, call) => {
          const request = { method: 'DELETE', path: `/machines/${cloudId}`, repeatable: breaks !== 'swallow' } as const;
          await ask(request, z.unknown(), call).catch((error: unknown) => {
            if (breaks === 'swallow' || (error instanceof Error && 'code' in error && error.code === 'not-found'))
              return;
            throw error;
          });
        },
      };
    },
  });
}

function inContract(error: unknown): never {
  const message = error instanceof Error ? error.message : '';
  if (message.includes('out of stock')) throw new BackendError('no-capacity', message, { scope: 'region' });
  if (message.includes('over quota')) throw new BackendError('quota', message, { scope: 'account' });
  throw error;
}

/** Sent again at once, as clients do whose author never saw a 429. */
async function impatiently({ url, method = 'GET', headers, body }: HttpRequest, call: Call): Promise<unknown> {
  for (let sent = 1; ; sent++) {
    const answer = await fetch(url, {
      method,
      signal: call.signal,
      ...(headers === undefined ? {} : { headers: headers as Record<string, string> }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.ok) return await answer.json();
    if (sent >= 4 || answer.status < 429) throw new BackendError('unknown', await answer.text());
  }
}
