import { MAX_BODY_BYTES } from '@berth/core/api-routes';
import type { ErrorView } from '@berth/core/api-schemas';
import { BerthError, type ErrorCode } from '@berth/core/errors';
import { formatPath } from '@berth/core/problems';
import { problemsOf } from '@berth/core/schema-issues';
import { StaleRow, StoreUnavailable, UniqueViolation } from '@berth/store';
import type { ZodError, ZodType } from 'zod';

const STATUS: Readonly<Record<ErrorCode, number>> = {
  'invalid-request': 400,
  'invalid-configuration': 422,
  'not-supported': 422,
  'no-offers': 422,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  'rate-limited': 429,
  unavailable: 503,
  internal: 500,
};

export interface Refusal {
  readonly status: number;
  readonly body: ErrorView;
  /** Not foreseen: belongs into the log, under the id that the body tells. */
  readonly defect: boolean;
}

/** What the client is told. Of an error that nobody foresaw it learns the id under which the log has the rest. */
export function refusalOf(error: unknown, errorId: () => string): Refusal {
  const known = asBerthError(error);
  if (known === null || known.code === 'internal') {
    const id = errorId();
    return {
      status: 500,
      defect: true,
      body: {
        error: {
          code: 'internal',
          message: `The server failed at this request (error ${id}).`,
          hint: `The server's log tells more under this id.`,
          details: { error_id: id },
        },
      },
    };
  }
  const { code, message, hint, issues, details } = known;
  return {
    status: STATUS[code],
    defect: false,
    body: {
      error: {
        code,
        message,
        ...(hint === undefined ? {} : { hint }),
        ...(issues.length === 0 ? {} : { issues: issues.map((issue) => ({ ...issue })) }),
        ...(Object.keys(details).length === 0 ? {} : { details: { ...details } }),
      },
    },
  };
}

/** A request that does not fit its schema, in the words that a configuration file would get. */
export function schemaError(where: 'body' | 'query', error: ZodError, schema: ZodType, value: unknown): BerthError {
  const whole = `the request's ${where}`;
  const issues = problemsOf(error.issues, schema, value, { whole, isYaml: false }).map(({ path, message, hint }) => ({
    path: formatPath([where, ...path]),
    message,
    ...(hint === undefined ? {} : { hint }),
  }));
  const [first] = issues;
  return new BerthError(
    'invalid-request',
    `The request's ${where} does not fit${first === undefined ? '' : `: ${first.message}`}`,
    // What an issue advises is better, and would stand there twice.
    first?.hint === undefined
      ? { issues, hint: 'The OpenAPI document at /api/v1/openapi.json describes what fits.' }
      : { issues },
  );
}

function asBerthError(error: unknown): BerthError | null {
  if (error instanceof BerthError) return error;
  if (error instanceof StaleRow || error instanceof UniqueViolation) {
    return new BerthError('conflict', 'Somebody else changed this at the same time, so nothing was changed.', {
      hint: 'Look at it again and repeat the request.',
      cause: error,
    });
  }
  if (error instanceof StoreUnavailable) {
    return new BerthError('unavailable', `The server's database cannot be used at present (${error.reason}).`, {
      hint: 'Nothing was changed. Jobs go on; try again once the server has room to write.',
      cause: error,
    });
  }
  return fromFastify(error);
}

/** Fastify refuses what never reaches a handler with errors of its own. */
function fromFastify(error: unknown): BerthError | null {
  if (!(error instanceof Error) || !('statusCode' in error) || !('code' in error)) return null;
  const { statusCode, code } = error;
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return null;
  if (statusCode === 413) {
    const limit = `${MAX_BODY_BYTES / 1024 / 1024} MiB`;
    return new BerthError('too-large', `The request is larger than the ${limit} that the server takes.`, {
      hint: 'Code and files go as blobs of their own; a configuration this large should name a file in `files`.',
      cause: error,
    });
  }
  // Its own words repeat the whole URL, or name parts of the library.
  const words: Readonly<Record<string, string>> = {
    FST_ERR_CTP_INVALID_MEDIA_TYPE: 'its body must be application/json',
    FST_ERR_MAX_PARAM_LENGTH: 'a part of its path is too long',
    FST_ERR_BAD_URL: 'its path is not a valid one',
  };
  const what = words[String(code)] ?? error.message.slice(0, 200);
  return new BerthError('invalid-request', `The request cannot be read: ${what}`, { cause: error });
}
