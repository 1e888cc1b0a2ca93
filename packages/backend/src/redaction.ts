import { inspect } from 'node:util';
import { Secret } from '@berth/core/secret';
import { BackendError } from './backend-error.ts';
import type { Logger } from './contract.ts';

/** What a secret is replaced by; the same word that `Secret` prints. */
const SHOWN = '[secret]';

/** Shorter values are words that messages need ("eu", "key"), and no secret is that short. */
const SHORTEST_SECRET = 4;

/** Lines of a multi-line secret (a PEM key) count one by one from this length: shorter ones are its headers' ends. */
const SHORTEST_SECRET_LINE = 16;

/** Fields of a log line deeper than this are dropped: they are somebody's SDK object, not facts. */
const DEEPEST_FIELD = 5;

/** Takes known secret values out of everything that leaves a backend (C7). */
export interface Redactor {
  text(text: string): string;
  error(error: BackendError): BackendError;
  logger(log: Logger): Logger;
}

/** A redactor for every text that is found, at any depth, in these values; `Secret`s are opened. */
export function redactorFor(...values: readonly unknown[]): Redactor {
  const secrets = new Set<string>();
  for (const value of values) collect(value, secrets);
  // The longest first: a secret that contains another one must not leave its rest behind.
  const needles = [...new Set([...secrets].flatMap(spellings))].sort((a, b) => b.length - a.length);

  const text = (input: string): string => {
    let output = input;
    for (const needle of needles) output = output.replaceAll(needle, SHOWN);
    return output;
  };
  const field = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return text(value);
    if (typeof value !== 'object' || value === null || value instanceof Secret) return value;
    if (depth > DEEPEST_FIELD) return '[too deep]';
    if (value instanceof Error) return text(value.stack ?? `${value.name}: ${value.message}`);
    if (Array.isArray(value)) return value.map((item) => field(item, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [text(key), field(item, depth + 1)]));
  };
  const line =
    (write: Logger['info']): Logger['info'] =>
    (message, fields) =>
      fields === undefined
        ? write(text(message))
        : write(text(message), Object.fromEntries(Object.entries(fields).map(([key, item]) => [key, field(item, 0)])));

  return {
    text,
    error: (error) => redactedError(error, text),
    logger: (log) => ({
      debug: line((...args) => log.debug(...args)),
      info: line((...args) => log.info(...args)),
      warn: line((...args) => log.warn(...args)),
      error: line((...args) => log.error(...args)),
    }),
  };
}

/**
 * What is secret of a backend's credentials: what its schema marked with `Secret`, and where it marked
 * nothing, everything. So a project id or a user name can be shown when the author cared to tell.
 */
export function secretsOf(written: unknown, parsed: unknown): readonly unknown[] {
  const marked: Secret<unknown>[] = [];
  findMarked(parsed, marked);
  return marked.length > 0 ? marked : [written, parsed];
}

function findMarked(value: unknown, into: Secret<unknown>[]): void {
  if (value instanceof Secret) into.push(value);
  else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) findMarked(item, into);
  }
}

/** The same error without the secrets. A cause is kept as name, message and stack: SDK errors carry whole requests. */
function redactedError(error: BackendError, text: (input: string) => string): BackendError {
  const copy = new BackendError(error.code, text(error.message), {
    scope: error.scope,
    ...(error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.cause === undefined ? {} : { cause: redactedCause(error.cause, text) }),
  });
  if (error.stack !== undefined) copy.stack = text(error.stack);
  return copy;
}

function redactedCause(cause: unknown, text: (input: string) => string): unknown {
  if (!(cause instanceof Error)) return text(inspect(cause, { depth: DEEPEST_FIELD }));
  const copy = new Error(text(cause.message));
  copy.name = cause.name;
  if (cause.stack !== undefined) copy.stack = text(cause.stack);
  return copy;
}

function collect(value: unknown, into: Set<string>): void {
  if (typeof value === 'string') {
    if (value.length >= SHORTEST_SECRET) into.add(value);
  } else if (value instanceof Secret) {
    collect(value.reveal(), into);
  } else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) collect(item, into);
  }
}

/** The forms in which a value turns up in messages: as it is, in a URL, in JSON, in a basic-auth header, line by line. */
function spellings(secret: string): readonly string[] {
  const lines = secret.includes('\n')
    ? secret
        .split('\n')
        .map((part) => part.trim())
        .filter((part) => part.length >= SHORTEST_SECRET_LINE)
    : [];
  const base64 = Buffer.from(secret, 'utf8').toString('base64');
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), base64, ...lines];
}
