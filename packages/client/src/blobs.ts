import type { Client } from './client.ts';

/** Bytes that go to the server under their hash, once. */
export interface Blob {
  /** SHA-256, lower-case hex. */
  readonly hash: string;
  readonly bytes: number;
  /** A fresh stream of the same bytes. */
  open(): AsyncIterable<Uint8Array>;
}

export interface UploadOptions {
  readonly project?: string;
  readonly signal?: AbortSignal | undefined;
  /** Told as bytes leave; `total` counts only what the server does not have yet. */
  readonly onProgress?: (sent: number, total: number) => void;
}

/**
 * Sends those of the blobs that the server does not have.
 * @returns how many bytes were sent
 * @throws BerthError; the signal's reason when aborted
 */
export async function uploadBlobs(
  client: Client,
  blobs: readonly Blob[],
  options: UploadOptions = {},
): Promise<number> {
  const byHash = new Map(blobs.map((blob) => [blob.hash, blob]));
  if (byHash.size === 0) return 0;
  const params = options.project === undefined ? {} : { project: options.project };
  const { missing } = await client.call('blob.missing', {
    params,
    body: { hashes: [...byHash.keys()] },
    signal: options.signal,
  });
  const wanted = missing.flatMap((hash) => byHash.get(hash) ?? []);
  const total = wanted.reduce((sum, blob) => sum + blob.bytes, 0);
  let sent = 0;
  for (const blob of wanted) {
    const counted = async function* () {
      for await (const chunk of blob.open()) {
        yield chunk;
        sent += chunk.length;
        options.onProgress?.(sent, total);
      }
    };
    const response = await client.send({
      name: 'blob.put',
      params: { ...params, hash: blob.hash },
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(blob.bytes) },
      body: counted(),
      signal: options.signal,
    });
    response.discard();
  }
  return total;
}
