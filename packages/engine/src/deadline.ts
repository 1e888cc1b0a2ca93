/** An abort signal that fires after some time of the engine's own clock, when a parent fires, or by hand. */
import type { EngineClock } from './ports.ts';

export interface Deadline {
  readonly signal: AbortSignal;
  abort(reason: Error): void;
  /** To be called when the work is done, so that no timer is left. */
  clear(): void;
}

export function deadline(clock: EngineClock, ms: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  const cancel = clock.after(ms, () => controller.abort(new Error(`No answer within ${Math.round(ms / 1000)} s.`)));
  const follow = (): void => controller.abort(parent?.reason);
  if (parent?.aborted) follow();
  else parent?.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    clear: () => {
      cancel();
      parent?.removeEventListener('abort', follow);
    },
  };
}

/** Resolves after `ms`, or as soon as the signal fires. */
export function pause(clock: EngineClock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      cancel();
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const cancel = clock.after(ms, wake);
    signal.addEventListener('abort', wake, { once: true });
  });
}
