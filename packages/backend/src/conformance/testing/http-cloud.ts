/** A small cloud behind HTTP: what the kit's fault proxy is proven with. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import type { Fake, FakeMachine, Situation } from '../fake.ts';

export const HTTP_KEYS = {
  good: 'http-key-good-5512',
  wrong: 'http-key-wrong-9931',
  expired: 'http-key-expired-7d',
  'read-only': 'http-key-read-only-1a',
} as const;

const Launch = z.strictObject({
  token: z.string(),
  name: z.string(),
  type: z.enum(['small', 'large']),
  region: z.string(),
  tags: z.record(z.string(), z.string()),
  keys: z.array(z.string()),
});
type Launch = z.output<typeof Launch>;

interface Machine extends Launch {
  readonly id: string;
  readonly madeAt: number;
  readonly runsAt: number;
  goneAt: number | null;
}

/** Status and body. */
type Said = readonly [number, unknown];

const PAGE_SIZE = 3;

export class HttpCloud {
  readonly machines: Machine[] = [];
  readonly #server = createServer((request, answer) => {
    this.#handle(request, answer).catch((error: unknown) => say(answer, 400, { error: String(error) }));
  });
  #situations: Situation[] = [];
  #prices = { small: 0.1, large: 0.4 };

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`; // it listens on a port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** All that the kit may ask, with the address of the proxy before it. */
  fake(url: string): Fake {
    const told = ({ id, name, tags, type, region, goneAt, runsAt }: Machine): FakeMachine => {
      const billed = this.#isBilled(goneAt);
      const state = !billed ? 'terminated' : Date.now() < runsAt ? 'starting' : 'running';
      return { cloudId: id, name, tags, state, billed, instanceType: type, region, zone: null };
    };
    return {
      pageSize: PAGE_SIZE,
      entry: (account) => ({
        name: 'http',
        type: 'http',
        config: { url },
        credentials: { kind: 'api_key', value: { api_key: HTTP_KEYS[account] } },
      }),
      machines: async () => this.machines.map(told),
      plant: async ({ name, tags }) =>
        this.make({ token: '', name, type: 'small', region: 'south', tags: { ...tags }, keys: [] }).id,
      situation: async (what) => {
        if (what.kind === 'group-partial') return false;
        if (what.kind === 'kill') this.#gone(what.cloudId);
        else if (what.kind === 'price')
          this.#prices = { ...this.#prices, [what.offer.instanceType]: what.pricePerHour };
        else this.#situations.push(what);
        return true;
      },
      reset: async () => {
        this.#situations = [];
      },
      started: async (cloudId) => {
        const machine = this.machines.find(({ id }) => id === cloudId);
        return machine === undefined ? null : { authorizedKeys: machine.keys };
      },
      close: () => this.close(),
    };
  }

  make(launch: Launch): Machine {
    const now = Date.now();
    const id = `m${String(this.machines.length).padStart(5, '0')}`;
    const machine = { ...launch, id, madeAt: now, runsAt: now + this.#ms('slow-boot'), goneAt: null };
    this.machines.push(machine);
    return machine;
  }

  #in(kind: Situation['kind']): Situation | undefined {
    return this.#situations.find((one) => one.kind === kind);
  }

  #ms(kind: Situation['kind']): number {
    const found = this.#in(kind);
    return found !== undefined && 'ms' in found ? found.ms : 0;
  }

  #isBilled(goneAt: number | null): boolean {
    return goneAt === null || Date.now() < goneAt;
  }

  #gone(id: string): void {
    const machine = this.machines.find((one) => one.id === id);
    if (machine !== undefined) machine.goneAt ??= Date.now();
  }

  async #handle(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = 'GET', headers, url = '/' } = request;
    const { pathname, searchParams } = new URL(url, 'http://cloud');
    if (pathname === '/types') return say(answer, 200, this.#types());
    const key = headers.authorization?.replace('Bearer ', '') ?? searchParams.get('key') ?? '';
    const [account] = Object.entries(HTTP_KEYS).find(([, one]) => one === key) ?? [];
    if ((account !== 'good' && account !== 'read-only') || this.#in('credentials-lost') !== undefined) {
      return say(answer, 401, { error: 'the key is none' });
    }
    if (account === 'read-only' && method !== 'GET') return say(answer, 403, { error: 'the key may only look' });
    if (pathname === '/account') return say(answer, 200, { id: 'acme' });
    const [, id] = /^\/machines\/(\w+)$/.exec(pathname) ?? [];
    if (method === 'DELETE' && id !== undefined) return say(answer, ...this.#delete(id));
    if (method === 'POST') return say(answer, ...this.#launch(Launch.parse(JSON.parse(await bodyOf(request)))));
    return say(answer, 200, this.#page(Number(searchParams.get('from') ?? 0)));
  }

  #types(): unknown {
    return ['north', 'south'].flatMap((region) =>
      Object.entries(this.#prices).map(([type, price]) => ({ type, region, price })),
    );
  }

  #launch(launch: Launch): Said {
    const known = launch.token === '' ? undefined : this.machines.find(({ token }) => token === launch.token);
    if (known !== undefined && known.goneAt === null) return [200, this.#view(known)];
    if (known !== undefined) return [409, { error: 'token used' }];
    if (this.#in('quota') !== undefined) return [409, { error: 'over quota' }];
    if (this.#in('no-capacity') !== undefined) return [409, { error: 'out of stock' }];
    return [201, this.#view(this.make(launch))];
  }

  #delete(id: string): Said {
    const machine = this.machines.find((one) => one.id === id);
    if (machine === undefined || !this.#isBilled(machine.goneAt)) return [404, { error: 'no such machine' }];
    if (this.#in('delete-ignored') === undefined) machine.goneAt ??= Date.now() + this.#ms('slow-terminate');
    return [202, {}];
  }

  #page(from: number): unknown {
    const listed = this.machines.filter(
      ({ goneAt, madeAt }) => this.#isBilled(goneAt) && Date.now() >= madeAt + this.#ms('list-late'),
    );
    const page = listed.slice(from, from + PAGE_SIZE);
    return {
      machines: page.map((one) => this.#view(one)),
      next: from + PAGE_SIZE < listed.length ? from + PAGE_SIZE : null,
    };
  }

  #view({ id, name, tags, region, runsAt, goneAt }: Machine): unknown {
    const status = goneAt !== null ? 'deleting' : Date.now() < runsAt ? 'booting' : 'running';
    return { id, name, tags, region, status };
  }
}

function say(answer: ServerResponse, status: number, body: unknown): void {
  answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  return text;
}
