import { generateKeyPairSync, randomBytes } from 'node:crypto';

export interface SshKeyPair {
  /** As in an `id_ed25519` file. */
  readonly private: string;
  /** `ssh-ed25519 AAAA…` */
  readonly public: string;
}

/**
 * A new Ed25519 key in OpenSSH's forms (PROTOCOL.key in its sources). Not by `ssh2.utils.generateKeyPairSync`: of its
 * keys (1.17.0) some have a form that its own parser refuses.
 */
export function newSshKeyPair(): SshKeyPair {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const bytes = (part: string | undefined): Buffer => Buffer.from(part ?? '', 'base64url');
  const publicKey = bytes(jwk.x);
  const publicBlob = Buffer.concat([string('ssh-ed25519'), string(publicKey)]);
  // The same four bytes twice: who decrypts a key sees by them that the passphrase was right.
  const check = randomBytes(4);
  const privatePart = Buffer.concat([
    check,
    check,
    publicBlob,
    string(Buffer.concat([bytes(jwk.d), publicKey])),
    string(''),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (privatePart.length % 8)) % 8 }, (_, index) => index + 1));
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    string('none'),
    string('none'),
    string(''),
    Buffer.from([0, 0, 0, 1]),
    string(publicBlob),
    string(Buffer.concat([privatePart, padding])),
  ]);
  const lines = file.toString('base64').replace(/.{70}/g, '$&\n').trimEnd();
  return {
    private: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`,
    public: `ssh-ed25519 ${publicBlob.toString('base64')}`,
  };
}

function string(value: string | Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(value));
  return Buffer.concat([length, Buffer.from(value)]);
}
