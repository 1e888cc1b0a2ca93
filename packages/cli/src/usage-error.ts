import { BerthError } from '@berth/core/errors';

/** A mistake on the command line itself: exit code 2, and nothing was asked of any server. */
export function usageError(message: string, hint?: string): BerthError {
  return new BerthError('invalid-request', message, hint === undefined ? {} : { hint });
}
