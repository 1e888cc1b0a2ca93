/** Reads a stream of server-sent events (the format of the HTML standard, section 9.2). */
export interface ServerSentEvent {
  /** `message` where the server names none. */
  readonly event: string;
  readonly data: string;
  /** The last id that the server gave, on this event or an earlier one. */
  readonly id: string | null;
}

/** A log event carries at most a few MiB; more than this in one event is not our server. */
const MAX_EVENT_BYTES = 64 * 1024 * 1024;
const LF = 10;
const CR = 13;

/**
 * Events as they arrive. Comments (the server's heartbeat) are swallowed. An event that the end of
 * the stream cuts off is dropped, as the standard demands: a reader that resumes gets it whole.
 */
export async function* readServerSentEvents(
  chunks: AsyncIterable<Uint8Array>,
  onRetry: (ms: number) => void = () => {},
): AsyncGenerator<ServerSentEvent> {
  let event = '';
  let data: string[] = [];
  let id: string | null = null;
  let size = 0;
  for await (const line of readLines(chunks)) {
    if (line === '') {
      if (data.length > 0) yield { event: event || 'message', data: data.join('\n'), id };
      event = '';
      data = [];
      size = 0;
      continue;
    }
    size += line.length;
    if (size > MAX_EVENT_BYTES) throw new Error('a server-sent event is too large');
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const start = line[colon + 1] === ' ' ? colon + 2 : colon + 1;
    const value = colon < 0 ? '' : line.slice(start);
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) onRetry(Number(value));
  }
}

/** Lines without their end (LF or CRLF). What follows the last end is not a line. */
async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
      const tail = bytes.subarray(start, end);
      const line = pieces.length === 0 ? tail : Buffer.concat([...pieces, tail]);
      pieces = [];
      held = 0;
      start = end + 1;
      yield line.toString('utf8', 0, line.at(-1) === CR ? line.length - 1 : line.length);
    }
    if (start < bytes.length) {
      pieces.push(bytes.subarray(start));
      held += bytes.length - start;
      if (held > MAX_EVENT_BYTES) throw new Error('a line of a server-sent event is too long');
    }
  }
}
