import { setTimeout as pause } from 'node:timers/promises';
import { createHttp, type Http, type HttpOptions } from './http.ts';

/** Requests by this machine's clock, timers and chance. Composition roots make it; everybody else is given an `Http`. */
export function realHttp(options: Omit<HttpOptions, 'now' | 'sleep' | 'random'> = {}): Http {
  return createHttp({ now: Date.now, sleep, random: Math.random, ...options });
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await pause(ms, undefined, { signal });
  } catch (error) {
    // The caller's reason, not the timer's word for it.
    signal.throwIfAborted();
    throw error;
  }
}
