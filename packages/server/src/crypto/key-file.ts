import { chmodSync, existsSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { BerthError } from '@berth/core/errors';
import type { RandomBytes } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import { KEY_BYTES, KEY_NAME, type SealingKey } from './sealer.ts';

const COMMENT = `# Encryption keys of this Berth server: a name and 32 bytes in base64 per line.
# The first seals, all open: to rotate, put a new line on top. Whoever has this file and the
# database can read every secret; whoever loses it can read none. Keep a copy apart from the database.
`;

/**
 * The keys of `path`, made with one new key and mode 0600 when there is no file and `mayMake` allows.
 * A file that others can read is closed to them, and `warn` is told.
 *
 * @throws BerthError `unavailable` when it is missing and must not be made, or cannot be read as keys
 */
export function loadKeyFile(
  path: string,
  options: { readonly random: RandomBytes; readonly mayMake: boolean; readonly warn: (message: string) => void },
): readonly SealingKey[] {
  if (!existsSync(path)) {
    if (!options.mayMake) {
      throw new BerthError(
        'unavailable',
        `${path} is missing, and the database holds values that were sealed with it.`,
        {
          hint: 'Put the file back from a backup. Without it, secrets must be set again: move the database away to begin anew.',
        },
      );
    }
    make(path, options.random);
  }
  const { mode, uid } = statSync(path);
  if ((mode & 0o077) !== 0) {
    chmodSync(path, 0o600);
    const was = (mode & 0o777).toString(8).padStart(4, '0');
    options.warn(`${path} had mode ${was}, so others could read it; it is 0600 now. Consider rotating the key.`);
  }
  if (process.getuid && uid !== process.getuid()) options.warn(`${path} belongs to another user (uid ${uid}).`);
  return parse(path, readFileSync(path, 'utf8'));
}

/** Written beside and linked into place, so that a crash never leaves half a key behind, nor two servers two keys. */
function make(path: string, random: RandomBytes): void {
  const beside = `${path}.${Buffer.from(random(6)).toString('hex')}.tmp`;
  const key = Buffer.from(random(KEY_BYTES)).toString('base64');
  writeFileSync(beside, `${COMMENT}key1 ${key}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(beside, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  } finally {
    rmSync(beside, { force: true });
  }
}

function parse(path: string, text: string): readonly SealingKey[] {
  const keys: SealingKey[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [name = '', base64 = '', ...rest] = line.split(/\s+/);
    const bytes = Buffer.from(base64, 'base64');
    if (!KEY_NAME.test(name) || bytes.length !== KEY_BYTES || rest.length > 0) {
      throw new BerthError('unavailable', `Line ${index + 1} of ${path} is not a name and 32 bytes in base64.`, {
        hint: 'Restore the line from a backup, or remove it when nothing is sealed with it any more.',
      });
    }
    keys.push({ name, bytes: new Secret(new Uint8Array(bytes)) });
  }
  if (keys.length === 0) {
    throw new BerthError('unavailable', `${path} holds no key.`, { hint: 'Restore it from a backup.' });
  }
  return keys;
}
