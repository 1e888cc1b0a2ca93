/** Reads an answer whose size is known beforehand; a server that sends more, less or nothing is not waited for. */

export interface ByteLimits {
  readonly maxBytes: number;
  /** Longest pause between two chunks. */
  readonly idleMs: number;
}

/** A server that sends less on average is not worth waiting for; whoever sends a byte a second would hold us for days. */
const LEAST_BYTES_PER_MS = 16;

/**
 * @throws Error when there is more than `maxBytes`, nothing comes for `idleMs`, or all of it takes far too long; the
 * signal's reason when it aborts
 */
export async function readBytes(
  body: ReadableStream<Uint8Array>,
  { maxBytes, idleMs }: ByteLimits,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const reader = body.getReader();
  const cut = Promise.withResolvers<never>();
  cut.promise.catch(() => undefined);
  const onAbort = (): void => cut.reject(signal.reason);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  const longestMs = idleMs + maxBytes / LEAST_BYTES_PER_MS;
  const tooLong = setTimeout(
    () => cut.reject(new Error(`it took more than ${Math.round(longestMs / 1000)} s`)),
    longestMs,
  );
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    for (;;) {
      timer = setTimeout(() => cut.reject(new Error(`nothing came for ${idleMs / 1000} s`)), idleMs);
      const { done, value } = await Promise.race([reader.read(), cut.promise]);
      clearTimeout(timer);
      if (done) return Buffer.concat(chunks);
      bytes += value.byteLength;
      if (bytes > maxBytes) throw new Error(`it is longer than the ${maxBytes} bytes that it may have`);
      chunks.push(value);
    }
  } finally {
    clearTimeout(timer);
    clearTimeout(tooLong);
    signal.removeEventListener('abort', onAbort);
    // Whoever stops reading early lets go of the connection; a stream that broke has nothing to cancel.
    await reader.cancel().catch(() => undefined);
  }
}
