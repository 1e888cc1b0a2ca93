import type { Client } from './client.ts';
import { errorFromTransport } from './http-errors.ts';
import { TransportError } from './transport.ts';

export interface ArtifactDownload {
  /** Null when the server does not say. */
  readonly bytes: number | null;
  /** A gzip-compressed tar. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * The artifacts of one job of a run, as they come over the wire.
 * @throws BerthError `not-found` when the job has none
 */
export async function openArtifacts(
  client: Client,
  run: string,
  job: { readonly replica?: number; readonly node?: number } = {},
  signal?: AbortSignal,
): Promise<ArtifactDownload> {
  const response = await client.send({ name: 'run.artifacts', params: { run }, query: job, signal });
  const length = response.header('content-length');
  return { bytes: length === null ? null : Number(length), body: explained(response.body) };
}

async function* explained(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw cause instanceof TransportError ? errorFromTransport(cause, 'the server') : cause;
  }
}
