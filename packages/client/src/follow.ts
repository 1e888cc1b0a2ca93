import type { EventView, LogEvent, RunView } from '@berth/core/api-schemas';
import { BerthError, type ErrorCode } from '@berth/core/errors';
import type { Client } from './client.ts';
import { resumableEvents, type StreamOptions } from './resume.ts';
import type { ServerSentEvent } from './server-sent-events.ts';

export interface LogPosition {
  readonly replica?: number;
  readonly node?: number;
  /** Absent: the latest. */
  readonly submission?: number;
  /** First byte wanted. */
  readonly offset?: number;
  /** Nothing older than this, in milliseconds since the Unix epoch. */
  readonly since?: number;
  /** Go on until the job ends; otherwise only what there is. */
  readonly follow?: boolean;
}

export interface LogChunk {
  readonly replica: number;
  readonly node: number;
  /** Byte offset of `bytes` in the job's log. */
  readonly offset: number;
  readonly at: number;
  readonly bytes: Uint8Array;
}

/**
 * The log of one job as the bytes that it wrote. After a broken connection it goes on at the next
 * byte: none is repeated, none is left out.
 */
export async function* logs(
  client: Client,
  run: string,
  position: LogPosition = {},
  options: StreamOptions = {},
): AsyncGenerator<LogChunk> {
  const { follow, since, offset: first, ...job } = position;
  let next: number | undefined = first;
  const request = () => ({
    name: 'run.logs' as const,
    params: { run },
    query: {
      ...job,
      follow: follow === true ? 'true' : undefined,
      offset: next,
      // Once a byte was seen its offset says more exactly where to go on.
      since: next === undefined ? since : undefined,
    },
  });
  for await (const event of resumableEvents(client, request, options)) {
    if (event.event !== 'log') {
      throwIfError(event);
      continue;
    }
    const log = parse<LogEvent>(event);
    const bytes = Buffer.from(log.data, 'base64');
    const repeated = next === undefined ? 0 : Math.max(0, next - log.offset);
    if (repeated >= bytes.length) continue;
    next = log.offset + bytes.length;
    yield {
      replica: log.replica,
      node: log.node,
      offset: log.offset + repeated,
      at: log.at,
      bytes: bytes.subarray(repeated),
    };
  }
}

/** The run now and after every change, until it is finished. After a break the run of now comes again. */
export async function* watch(client: Client, run: string, options: StreamOptions = {}): AsyncGenerator<RunView> {
  const request = () => ({ name: 'run.watch' as const, params: { run } });
  let version = -1;
  for await (const event of resumableEvents(client, request, options)) {
    throwIfError(event);
    if (event.event !== 'run') continue;
    const view = parse<RunView>(event);
    // Its jobs may have changed though the run has not, so the same version may come again; an older one is late.
    if (view.version < version) continue;
    version = view.version;
    yield view;
  }
}

/**
 * Events as they happen, without end; after a break it goes on after the last one seen. `after`: the
 * id of an event, to begin with those since.
 */
export async function* events(
  client: Client,
  filter: { readonly run?: string; readonly after?: string } = {},
  options: StreamOptions = {},
): AsyncGenerator<EventView> {
  const { after, ...query } = filter;
  const seen = new RecentIds();
  const request = () => ({ name: 'event.watch' as const, params: {}, query });
  for await (const event of resumableEvents(client, request, options, after)) {
    throwIfError(event);
    if (event.event !== 'event') continue;
    const view = parse<EventView>(event);
    if (seen.add(view.id)) yield view;
  }
}

/** A server that goes on after an event gives others of the same millisecond again. */
class RecentIds {
  static readonly #MOST = 1000;
  readonly #ids = new Set<string>();

  /** False when it was seen already. */
  add(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > RecentIds.#MOST) {
      for (const oldest of this.#ids) {
        this.#ids.delete(oldest);
        break;
      }
    }
    return true;
  }
}

/** A stream that has begun cannot change its status any more: the server tells of a failure in an `error` event. */
function throwIfError(event: ServerSentEvent): void {
  if (event.event !== 'error') return;
  const { error } = parse<{ error: { code: ErrorCode; message: string; hint?: string } }>(event);
  throw new BerthError(error.code, error.message, error.hint === undefined ? {} : { hint: error.hint });
}

function parse<T>(event: ServerSentEvent): T {
  return JSON.parse(event.data) as T; // our server's event, made with the schema of this type
}
