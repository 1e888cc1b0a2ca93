import { createCipheriv, createDecipheriv } from 'node:crypto';
import { BerthError } from '@berth/core/errors';
import type { RandomBytes } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import type { Sealer } from '@berth/engine';

/** 32 bytes for AES-256, under the name that sealed values carry. */
export interface SealingKey {
  readonly name: string;
  readonly bytes: Secret<Uint8Array>;
}

const PREFIX = 'enc:aesgcm:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;
export const KEY_NAME = /^[A-Za-z0-9_-]{1,40}$/;

/**
 * Seals with the first key and opens with whichever the value names, so that keys are rotated by
 * putting a new one first. A sealed value is `enc:aesgcm:<key name>:<base64 of nonce, tag, ciphertext>`;
 * the part before the base64 is authenticated too.
 *
 * @throws BerthError `unavailable` from `open` when the key is not there or the value was changed
 */
export function createSealer(keys: readonly SealingKey[], random: RandomBytes): Sealer {
  const byName = new Map<string, SealingKey>();
  for (const key of keys) {
    if (!KEY_NAME.test(key.name)) throw new TypeError(`an encryption key cannot have the name "${key.name}"`);
    if (key.bytes.reveal().length !== KEY_BYTES)
      throw new TypeError(`encryption key ${key.name} must have ${KEY_BYTES} bytes`);
    if (!byName.has(key.name)) byName.set(key.name, key);
  }
  const sealing = keys[0];
  if (sealing === undefined) throw new TypeError('at least one encryption key is needed');

  return {
    seal(plain) {
      const head = `${PREFIX}${sealing.name}:`;
      const nonce = random(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', sealing.bytes.reveal(), nonce);
      cipher.setAAD(Buffer.from(head));
      const body = Buffer.concat([cipher.update(plain.reveal(), 'utf8'), cipher.final()]);
      return head + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
    },
    open(sealed) {
      const end = sealed.indexOf(':', PREFIX.length);
      if (!sealed.startsWith(PREFIX) || end < 0) throw broken('it is not in the format of a sealed value');
      const name = sealed.slice(PREFIX.length, end);
      const key = byName.get(name);
      if (key === undefined) {
        throw new BerthError(
          'unavailable',
          `A value is sealed with the encryption key \`${name}\`, which is not here.`,
          {
            hint: 'Put that key back into encryption.key, or list it under `encryption.keys` in the server’s config.yml.',
          },
        );
      }
      const bytes = Buffer.from(sealed.slice(end + 1), 'base64');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) throw broken('it is too short');
      const decipher = createDecipheriv('aes-256-gcm', key.bytes.reveal(), bytes.subarray(0, NONCE_BYTES));
      decipher.setAAD(Buffer.from(sealed.slice(0, end + 1)));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      try {
        const plain = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
        return new Secret(plain.toString('utf8'));
      } catch {
        // The cause says nothing but "unable to authenticate data".
        throw broken('it was changed, or sealed with another key of the same name');
      }
    },
  };
}

function broken(why: string): BerthError {
  return new BerthError('unavailable', `A sealed value cannot be opened: ${why}.`, {
    hint: 'Put the database and encryption.key back from the same backup, or set the secret again.',
  });
}
