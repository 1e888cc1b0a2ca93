/**
 * The one thing that the client needs from its surroundings: send a request, get the head of the
 * answer and then its bytes. `node-http-transport.ts` is the only implementation so far; a browser
 * would bring one made of `fetch`.
 */
export interface TransportRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for the head of the answer, from the moment the body is sent. */
  readonly headTimeoutMs: number;
  /** How long the answer's body may be silent. */
  readonly idleTimeoutMs: number;
}

export interface TransportResponse {
  readonly status: number;
  header(name: string): string | null;
  /** May be read once. Leaving the loop early closes the connection. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Reads a short body to its end and forgets it, so that the connection can be used again. */
  discard(): void;
}

export interface Transport {
  /**
   * @throws TransportError when no answer came; the signal's reason when it was aborted
   */
  request(request: TransportRequest): Promise<TransportResponse>;
  /** Closes idle connections, so that the process can end. */
  close(): void;
}

export type TransportFailure =
  | 'refused' // nobody listens there
  | 'unknown-host'
  | 'untrusted' // TLS
  | 'timed-out'
  | 'broken'; // the connection ended before the answer did

/** No answer, or half of one. Whether the server acted on the request is unknown unless it was `refused`. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly failure: TransportFailure;

  constructor(failure: TransportFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.failure = failure;
  }
}
