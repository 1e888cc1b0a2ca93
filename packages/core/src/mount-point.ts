import { z } from 'zod';
import { BerthError } from './errors.ts';
import { attempt, flag, notYet, textOf } from './grammar.ts';
import type { InstanceMount } from './job-spec.ts';
import { quote } from './quote.ts';

const ABSOLUTE_PATTERN = '^/[^:]*$';
const NETWORK_VOLUME = 'a network volume';

/**
 * `/host/path:/container/path`. A name before the colon is a network volume, which comes later.
 * @throws BerthError `invalid-configuration`, `not-supported`
 */
export function parseMount(text: string): InstanceMount {
  const [from = '', to = '', ...rest] = text.split(':');
  if (!to.startsWith('/') || rest.length > 0) {
    throw new BerthError('invalid-configuration', `${quote(text)} is not a mount point`, {
      hint: 'write `/path/on/the/machine:/path/in/the/container`',
    });
  }
  if (!from.startsWith('/')) {
    throw new BerthError('not-supported', `${NETWORK_VOLUME} (${quote(from)}) is not yet supported`, {
      hint: 'a folder of the machine is written `/path/on/the/machine:/path/in/the/container`',
    });
  }
  return { instancePath: from, path: to, optional: false };
}

/** The text that `parseMount` reads as the same, but for `optional`. */
export function formatMount(mount: InstanceMount): string {
  return `${mount.instancePath}:${mount.path}`;
}

const absolute = textOf((text) => {
  if (new RegExp(ABSOLUTE_PATTERN).test(text)) return text;
  throw new BerthError('invalid-configuration', `${quote(text)} is not an absolute path`);
}, ABSOLUTE_PATTERN);

export const mountSchema = z.union([
  textOf(parseMount, '^[^:]+:/[^:]*$'),
  z
    .strictObject({
      instance_path: absolute.optional(),
      path: absolute,
      optional: flag.nullish(),
      name: notYet(NETWORK_VOLUME),
    })
    .transform((value, context) =>
      attempt(context, (): InstanceMount => {
        if (value.instance_path === undefined) {
          throw new BerthError('invalid-configuration', 'a mount needs `instance_path`');
        }
        return { instancePath: value.instance_path, path: value.path, optional: value.optional ?? false };
      }),
    ),
]);
