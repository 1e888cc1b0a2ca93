import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { API_PREFIX } from '@berth/core/api-routes';

export interface SeenEvent {
  readonly event: string;
  readonly id: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of any kind
  readonly data: any;
}

/** A stream of server-sent events as a client sees it. Nothing is read from the connection before it is asked for. */
export class EventReader {
  readonly response: IncomingMessage;
  readonly #request: ClientRequest;
  readonly #chunks: AsyncIterator<Buffer>;
  #text = '';

  private constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.response = response;
    this.#chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  static open(
    api: { readonly url: string },
    path: string,
    token: string,
    headers: Record<string, string> = {},
  ): Promise<EventReader> {
    return new Promise((resolve, reject) => {
      const sent = request(api.url + API_PREFIX + path, { headers: { authorization: `Bearer ${token}`, ...headers } });
      sent.on('response', (response) => resolve(new EventReader(sent, response)));
      sent.on('error', reject);
      sent.end();
    });
  }

  /** The next event; null when the server has closed the stream. */
  async next(): Promise<SeenEvent | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const lines = this.#text.slice(0, end).split('\n');
        this.#text = this.#text.slice(end + 2);
        if (lines.every((line) => line.startsWith(':'))) continue;
        const field = (name: string): string | null =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? null;
        return { event: field('event') ?? '', id: field('id'), data: JSON.parse(field('data') ?? 'null') };
      }
      const { done, value } = await this.#chunks.next();
      if (done === true) return null;
      this.#text += value.toString('latin1');
    }
  }

  async rest(): Promise<SeenEvent[]> {
    const events: SeenEvent[] = [];
    for (let event = await this.next(); event !== null; event = await this.next()) events.push(event);
    return events;
  }

  close(): void {
    this.response.on('error', () => undefined);
    this.#request.destroy();
  }
}
