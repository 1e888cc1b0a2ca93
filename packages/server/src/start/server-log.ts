import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { Logger } from '@berth/backend';
import type { Clock } from '@berth/core/ids';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Two files of this size at most: the log and the one before. */
const MAX_BYTES = 10 * 1024 * 1024;
/** Deeper than this is somebody's object graph, not a fact. */
const DEEPEST = 6;
const LONGEST_TEXT = 8_000;

/** Tokens of users, wherever one turns up. */
const TOKENS = /berth_[0-9a-f]{64}/g;
/** Fields that hold secrets by their name, whoever logs them. */
const SECRET_FIELD = /^(authorization|password|secret|token|credentials?|creds|api_?key)$/i;

export interface ServerLog extends Logger {
  close(): void;
}

/**
 * One JSON object per line, appended to `path`. When it grows too large it is copied beside and emptied,
 * not renamed: whoever started this process may have its output going into the same file. A log that
 * cannot be written is no reason to stop. `echo` gets the lines for people, on a terminal.
 */
export function openServerLog(options: {
  readonly path: string;
  readonly clock: Clock;
  readonly level?: LogLevel;
  readonly echo?: ((line: string) => void) | undefined;
  readonly maxBytes?: number;
}): ServerLog {
  const lowest = LOG_LEVELS.indexOf(options.level ?? 'info');
  let file: number | null = null;
  let bytes = 0;
  const open = (): number => {
    if (file === null) {
      file = openSync(options.path, 'a', 0o600);
      bytes = fstatSync(file).size;
    }
    return file;
  };
  const append = (line: string): void => {
    try {
      const to = open();
      if (bytes > (options.maxBytes ?? MAX_BYTES)) {
        copyFileSync(options.path, `${options.path}.1`);
        ftruncateSync(to, 0);
        bytes = 0;
      }
      bytes += writeSync(to, line);
    } catch {
      // Nowhere to say so.
    }
  };
  const writer =
    (level: LogLevel): Logger['info'] =>
    (message, fields) => {
      if (LOG_LEVELS.indexOf(level) < lowest) return;
      const time = new Date(options.clock.now()).toISOString();
      append(`${logLine({ time, level, message, ...(fields === undefined ? {} : shown(fields, 0)) })}\n`);
      options.echo?.(`${level === 'info' ? '' : `${level}: `}${message.replace(TOKENS, '[secret]')}`);
    };
  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    close: () => {
      if (file !== null) closeSync(file);
      file = null;
    },
  };
}

function logLine(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(fields).replace(TOKENS, '[secret]');
}

function shown(fields: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, SECRET_FIELD.test(key) ? '[secret]' : shownValue(value, depth)]),
  );
}

function shownValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}…` : value;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEEPEST) return '[too deep]';
  if (value instanceof Error) return errorFields(value, depth);
  if ('toJSON' in value && typeof value.toJSON === 'function') return value.toJSON();
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => shownValue(item, depth + 1));
  return shown({ ...value }, depth + 1);
}

function errorFields(error: Error, depth: number): Record<string, unknown> {
  return {
    name: error.name,
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: shownValue(error.cause, depth + 1) }),
  };
}
