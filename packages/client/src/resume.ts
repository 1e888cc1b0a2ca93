import { BerthError } from '@berth/core/errors';
import { backOffMs } from './back-off.ts';
import { type Client, isPassing, type RawRequest } from './client.ts';
import { errorFromTransport } from './http-errors.ts';
import { readServerSentEvents, type ServerSentEvent } from './server-sent-events.ts';
import { TransportError } from './transport.ts';

export interface StreamOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told before every wait for another connection, with what went wrong and how many attempts failed in a row. */
  readonly onReconnect?: (error: BerthError, attempt: number) => void;
  /** How long the server may be away before the stream gives up; 5 minutes when absent. */
  readonly patienceMs?: number;
}

/** The server restarts within seconds; a person who waits for a job rather waits than starts over. */
const PATIENCE_MS = 5 * 60_000;
/** Servers send a comment every 15 s. Twice as much and a bit more without a byte: the connection is dead. */
const SILENCE_MS = 40_000;
/** A connection that lived this long was a good one even if nothing was said on it: a quiet job. */
const LASTED_MS = 5_000;

/**
 * The events of a stream up to its `end` event, across broken connections: after each break `request`
 * is asked anew, so that it can name what was seen last.
 * @throws BerthError when the server refuses, or is away for longer than the patience; the signal's
 * reason when aborted
 */
export async function* resumableEvents(
  client: Client,
  request: (lastEventId: string | null) => RawRequest,
  options: StreamOptions,
  after: string | null = null,
): AsyncGenerator<ServerSentEvent> {
  const { signal } = options;
  const { waiter } = client;
  let lastEventId = after;
  let attempt = 0;
  let awaySince: number | null = null;
  let serverDelayMs = 0;
  while (true) {
    let failure: BerthError;
    let connectedAt: number | null = null;
    try {
      const response = await client.send({
        ...request(lastEventId),
        headers: { accept: 'text/event-stream', ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }) },
        signal,
        idleTimeoutMs: SILENCE_MS,
      });
      connectedAt = waiter.now();
      for await (const event of readServerSentEvents(response.body, (ms) => {
        serverDelayMs = ms;
      })) {
        attempt = 0;
        awaySince = null;
        if (event.id !== null) lastEventId = event.id;
        if (event.event === 'end') return;
        yield event;
      }
      failure = new BerthError('unavailable', 'the server closed the stream before its end');
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof TransportError || isPassing(error) || isAway(error))) throw error;
      failure = error instanceof TransportError ? errorFromTransport(error, 'the server') : (error as BerthError); // isPassing and isAway say so
    }
    const now = waiter.now();
    if (connectedAt !== null && now - connectedAt > LASTED_MS) {
      attempt = 0;
      awaySince = null;
    }
    awaySince ??= now;
    if (now - awaySince > (options.patienceMs ?? PATIENCE_MS)) throw failure;
    options.onReconnect?.(failure, attempt + 1);
    await waiter.sleep(Math.max(serverDelayMs, backOffMs(attempt, waiter.random)), signal);
    attempt++;
  }
}

/** While a stream is followed, nobody listening means that the server restarts. */
function isAway(error: unknown): error is BerthError {
  return error instanceof BerthError && error.code === 'unavailable';
}
