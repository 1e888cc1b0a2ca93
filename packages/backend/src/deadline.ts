import { BackendError, type BackendErrorCode } from './backend-error.ts';
import type { Call } from './contract.ts';

export interface Deadline {
  readonly afterMs: number;
  /** What is called, for the message: `create`, `list`. */
  readonly what: string;
  /** How a call counts that began and was not waited for to its end. */
  readonly codeWhenCut: BackendErrorCode;
}

/**
 * Calls a backend and stops waiting at the deadline, or when the caller's signal aborts, whether the
 * backend looks at its signal or not (C5). The backend's own later answer is logged and dropped.
 * Throws what the backend throws, and `BackendError` when the call was cut short.
 */
export async function withDeadline<T>(deadline: Deadline, call: Call, run: (call: Call) => Promise<T>): Promise<T> {
  const { afterMs, what, codeWhenCut } = deadline;
  // Nothing was asked of the cloud yet, so repeating is safe whatever the call is.
  if (call.signal.aborted) throw new BackendError('transient', `\`${what}\` was cancelled before it began.`);

  const own = new AbortController();
  const cut = Promise.withResolvers<never>();
  let settled = false;
  const cutShort = (message: string): void => {
    if (settled) return;
    settled = true;
    own.abort();
    cut.reject(new BackendError(codeWhenCut, message));
  };
  const onAbort = (): void => cutShort(`\`${what}\` was cancelled while it ran.`);
  call.signal.addEventListener('abort', onAbort, { once: true });
  // Not AbortSignal.timeout: its timer does not keep the process alive, and somebody is waiting for this one.
  const timer = setTimeout(
    () => cutShort(`\`${what}\` did not answer within ${seconds(afterMs)}, and its signal was aborted (C5).`),
    afterMs,
  );

  // In an async function, so that a backend that throws instead of rejecting is the same to us.
  const running = (async () => run({ signal: own.signal, log: call.log }))();
  running.then(
    () => settled && call.log.warn(`\`${what}\` answered after it was given up.`),
    (error: unknown) => settled && call.log.debug(`\`${what}\` failed after it was given up.`, { error }),
  );
  try {
    return await Promise.race([running, cut.promise]);
  } finally {
    settled = true;
    clearTimeout(timer);
    call.signal.removeEventListener('abort', onAbort);
  }
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Math.round(ms / 100) / 10} s`;
}
