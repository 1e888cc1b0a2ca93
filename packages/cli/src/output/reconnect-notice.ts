import type { BerthError } from '@berth/core/errors';
import { styledError } from './style.ts';
import { say } from './write.ts';

/** A command may follow several streams of one server; one of them may speak in this time. */
const QUIET_MS = 10_000;

/** Says once per break that the server is away, and that nothing is lost. The first attempt is given a chance. */
export function reconnectNotice(now: () => number = Date.now): (error: BerthError, attempt: number) => void {
  let toldAt = -Infinity;
  return (error, attempt) => {
    if (attempt !== 2 || now() - toldAt < QUIET_MS) return;
    toldAt = now();
    say(`${styledError('yellow', 'warning:')} ${error.message}; trying again (the run goes on)\n`);
  };
}
