import { createHash } from 'node:crypto';
import ssh2 from 'ssh2';
import { z } from 'zod';
import { ApiError } from './api-error.ts';

const MAX_USER_DATA_BYTES = 32 * 1024;

const schema = z.strictObject({
  name: z.string(),
  instance_type: z.string(),
  region: z.string(),
  spot: z.boolean().default(false),
  tags: z.record(z.string(), z.string()).default({}),
  ssh_public_keys: z.array(z.string()).max(16).default([]),
  user_data: z
    .string()
    .refine((script) => script.startsWith('#!'), 'must begin with #!')
    .refine((script) => Buffer.byteLength(script) <= MAX_USER_DATA_BYTES, 'is longer than 32 KiB')
    .optional(),
  client_token: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1-64 characters of [A-Za-z0-9_-]')
    .optional(),
});

export type LaunchRequest = z.output<typeof schema>;

const tagsSchema = z.strictObject({ tags: z.record(z.string(), z.string()) });

/** @throws ApiError `invalid-…` */
export function parseLaunch(body: unknown): LaunchRequest {
  const request = parseBody(schema, body);
  if (!/^(?=.{1,60}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(request.name)) {
    throw new ApiError(
      'invalid-name',
      'a name has 1-60 characters of [a-z0-9-] and begins and ends with a letter or digit',
    );
  }
  checkTags(request.tags);
  for (const [index, line] of request.ssh_public_keys.entries()) {
    const known = /^(ssh|ecdsa|sk)-\S+ \S+( [^\r\n]*)?$/.test(line) ? ssh2.utils.parseKey(line) : new Error();
    if (known instanceof Error) {
      throw new ApiError('invalid-ssh-key', `ssh_public_keys[${index}] is no public key in OpenSSH's form`);
    }
  }
  return request;
}

/** @throws ApiError `invalid-…` */
export function parseTags(body: unknown): Readonly<Record<string, string>> {
  const { tags } = parseBody(tagsSchema, body);
  checkTags(tags);
  return tags;
}

function checkTags(tags: Readonly<Record<string, string>>): void {
  const entries = Object.entries(tags);
  if (entries.length > 16) throw new ApiError('invalid-tags', `${entries.length} tags; at most 16`);
  for (const [key, value] of entries) {
    if (!/^[A-Za-z0-9._/-]{1,40}$/.test(key)) {
      throw new ApiError('invalid-tags', `the key of a tag has 1-40 characters of [A-Za-z0-9._/-]; not "${key}"`);
    }
    if (value.length > 120 || /\p{Cc}/u.test(value)) {
      throw new ApiError(
        'invalid-tags',
        `the value of tag "${key}" is longer than 120 characters or has control characters`,
      );
    }
  }
}

/** Parses what came in. @throws ApiError `invalid-request` that names the field */
export function parseBody<T extends z.ZodType>(type: T, body: unknown): z.output<T> {
  const parsed = type.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const field = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])].join('.');
  const what = issue?.message ?? 'is wrong';
  throw new ApiError(
    'invalid-request',
    field === '' ? what : `${field}: ${what}`,
    field === '' ? undefined : { field },
  );
}

/** The same for bodies of the same values, whatever the order of their keys. */
export function bodyHash(request: LaunchRequest): string {
  const sorted = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, inner]) => [key, sorted(inner)]),
        )
      : value;
  return createHash('sha256')
    .update(JSON.stringify(sorted(request)))
    .digest('hex');
}
