import { BerthError, type ErrorCode } from '@berth/core/errors';
import type { AgentFailure } from './protocol.ts';

/** Why a link could not be made, or a request not be carried out. */
export type LinkErrorCode =
  | AgentFailure['code']
  /** Nobody listens, or the connection broke; whether a request was carried out is not known. */
  | 'closed'
  /** No answer within the deadline; likewise. */
  | 'timeout'
  | 'refused-secret'
  | 'refused-instance'
  | 'refused-protocol';

const ERROR_CODES: Readonly<Record<LinkErrorCode, ErrorCode>> = {
  'bad-request': 'invalid-request',
  'not-found': 'not-found',
  'wrong-state': 'conflict',
  'hash-mismatch': 'internal',
  'disk-full': 'unavailable',
  internal: 'internal',
  closed: 'unavailable',
  timeout: 'unavailable',
  'refused-secret': 'forbidden',
  'refused-instance': 'conflict',
  'refused-protocol': 'not-supported',
};

export class AgentLinkError extends BerthError {
  /** Finer than `code`, which it decides. */
  readonly reason: LinkErrorCode;

  constructor(reason: LinkErrorCode, message: string, cause?: unknown) {
    super(ERROR_CODES[reason], message, cause === undefined ? {} : { cause });
    this.reason = reason;
  }
}
