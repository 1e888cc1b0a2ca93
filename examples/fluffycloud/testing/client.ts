import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** What a client of the API sees of an instance; the parts that tests look at. */
const instanceSchema = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  status_reason: z.string().nullable(),
  tags: z.record(z.string(), z.string()),
  price_per_hour_cents: z.number(),
  ip: z.string().nullable(),
  ssh_port: z.number().nullable(),
  ssh_user: z.string(),
  ssh_host_key: z.string().nullable(),
  private_ip: z.string().nullable(),
});
export type Seen = z.output<typeof instanceSchema>;

const listSchema = z.object({ instances: z.array(instanceSchema), next_cursor: z.string().nullable() });
const errorSchema = z.object({ error: z.object({ code: z.string() }) });

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** A client that does nothing of itself: no retry, no patience. */
export class Client {
  readonly url: string;
  readonly key: string;

  constructor(url: string, key: string) {
    this.url = url;
    this.key = key;
  }

  async call(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Reply> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  /** The error's code, with its status; of an answer that is no error, the status alone. */
  async refusal(method: string, path: string, body?: unknown): Promise<string> {
    const reply = await this.call(method, path, body);
    const error = errorSchema.safeParse(reply.body);
    return error.success ? `${reply.status} ${error.data.error.code}` : String(reply.status);
  }

  async launch(more: Readonly<Record<string, unknown>> = {}): Promise<Seen> {
    const reply = await this.call('POST', '/v1/instances', launchBody(more));
    if (reply.status !== 201 && reply.status !== 200) throw new Error(JSON.stringify(reply.body));
    return instanceSchema.parse(reply.body);
  }

  async get(id: string): Promise<Seen> {
    return instanceSchema.parse((await this.call('GET', `/v1/instances/${id}`)).body);
  }

  /** All pages. */
  async list(query = ''): Promise<Seen[]> {
    const found: Seen[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const reply = await this.call('GET', `/v1/instances?${query}${cursor === '' ? '' : `&cursor=${cursor}`}`);
      const page: z.output<typeof listSchema> = listSchema.parse(reply.body);
      found.push(...page.instances);
      cursor = page.next_cursor;
    }
    return found;
  }

  async until(id: string, status: string, limitMs = 30_000): Promise<Seen> {
    for (const startedAt = performance.now(); ; await sleep(20)) {
      const instance = await this.get(id);
      if (instance.status === status) return instance;
      if (performance.now() - startedAt > limitMs) throw new Error(`${id} is still ${instance.status}, not ${status}`);
    }
  }
}

export function launchBody(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { name: 'puff-1', instance_type: 'puff.small', region: 'north-1', ...more };
}
