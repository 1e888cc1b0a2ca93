import type { AgentEndReason, AgentFailure } from './protocol.ts';

/** Ends a job before or while it runs. The message is for the person who wrote the configuration. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure';
  readonly reason: Extract<AgentEndReason, 'image-error' | 'setup-error' | 'agent-lost'>;

  constructor(reason: JobFailure['reason'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

/** The answer to a request that cannot be carried out. */
export class RequestFailure extends Error {
  override readonly name = 'RequestFailure';
  readonly code: AgentFailure['code'];

  constructor(code: AgentFailure['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** The text of whatever was thrown, for messages. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system error such as ENOENT; undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function isDiskFull(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Says where: a system error of a full disk names no path. */
export function fullDisk(path: string): string {
  return `the disk that holds ${path} is full`;
}
