import { createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto';
import type { InstanceId } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';

/** An ed25519 key pair in the forms that OpenSSH reads. */
export interface SshKeyPair {
  /** The text of a private key file. */
  readonly private: Secret<string>;
  /** One line, as in `authorized_keys`. */
  readonly public: string;
}

const TYPE = 'ssh-ed25519';
const SEED_BYTES = 32;
/** An ed25519 private key in PKCS #8, up to the seed (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
/** The raw public key is the end of its SubjectPublicKeyInfo. */
const PUBLIC_BYTES = 32;

/** The key pair of 32 random bytes. */
export function keyPairOfSeed(seed: Uint8Array, comment: string): SshKeyPair {
  if (seed.length !== SEED_BYTES) throw new TypeError(`A seed has ${SEED_BYTES} bytes, not ${seed.length}.`);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-PUBLIC_BYTES);
  const blob = Buffer.concat([text(TYPE), field(raw)]);
  const check = Buffer.from(raw.subarray(0, 4)); // any number will do, twice; it only tells a wrong passphrase
  const secretPart = [check, check, text(TYPE), field(raw), field(Buffer.concat([seed, raw])), text(comment)];
  const parts = [
    Buffer.from('openssh-key-v1\0'),
    ...[text('none'), text('none'), text(''), number(1), field(blob), field(padded(Buffer.concat(secretPart)))],
  ];
  const body = Buffer.concat(parts).toString('base64').replace(/.{70}/g, '$&\n').trimEnd();
  return {
    private: new Secret(`-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n-----END OPENSSH PRIVATE KEY-----\n`),
    public: `${TYPE} ${blob.toString('base64')} ${comment}`,
  };
}

/**
 * The public half of a private key file without a passphrase; the private half is not looked at.
 * @throws TypeError when it is no such file
 */
export function publicHalf(privateKey: string, comment: string): string {
  const lines = privateKey.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
  const bytes = Buffer.from(lines.join(''), 'base64');
  const magic = 'openssh-key-v1\0';
  if (bytes.subarray(0, magic.length).toString('latin1') !== magic) throw new TypeError('It is no OpenSSH key.');
  let at = magic.length;
  const next = (): Buffer => {
    if (at + 4 > bytes.length) throw new TypeError('It is cut off.');
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new TypeError('It is cut off.');
    const found = bytes.subarray(at + 4, end);
    at = end;
    return found;
  };
  const cipher = next().toString('latin1');
  if (cipher !== 'none') throw new TypeError('It has a passphrase.');
  next(); // the key derivation's name
  next(); // and its options
  at += 4; // the number of keys
  return `${publicKeyLine(next())} ${comment}`;
}

/** A public key as SSH sends it, in OpenSSH's form without a comment. */
export function publicKeyLine(blob: Buffer): string {
  const type = blob.subarray(4, 4 + blob.readUInt32BE(0)).toString('latin1');
  return `${type} ${blob.toString('base64')}`;
}

/**
 * The host key of a machine that takes a start script from us. It follows from the agent's secret, so that
 * it is known before the first contact and need not be kept.
 */
export function hostKeyOf(instance: InstanceId, agentSecret: Secret<string>): SshKeyPair {
  const seed = hkdfSync('sha256', agentSecret.reveal(), instance, 'berth ssh host key', SEED_BYTES);
  return keyPairOfSeed(new Uint8Array(seed), `berth-${instance}`);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const field = (bytes: Uint8Array): Buffer => Buffer.concat([number(bytes.length), bytes]);
const text = (value: string): Buffer => field(Buffer.from(value));

/** To a multiple of 8 bytes with 1, 2, 3, … */
function padded(bytes: Buffer): Buffer {
  const missing = (8 - (bytes.length % 8)) % 8;
  return Buffer.concat([bytes, Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, missing))]);
}
