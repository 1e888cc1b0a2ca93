import type { BerthError } from '@berth/core/errors';
import { styledError } from './style.ts';

/** Says once per break that the server is away, and that nothing is lost. The first attempt is given a chance. */
export function reconnectNotice(): (error: BerthError, attempt: number) => void {
  return (error, attempt) => {
    if (attempt !== 2) return;
    process.stderr.write(`${styledError('yellow', 'warning:')} ${error.message}; trying again (the run goes on)\n`);
  };
}
