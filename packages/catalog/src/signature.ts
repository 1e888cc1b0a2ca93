/**
 * Signed texts: who publishes a catalog decides where money is spent, so a reader takes it from keys that
 * it was told of, and from nobody else. Ed25519 (RFC 8032).
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { BerthError } from '@berth/core/errors';
import { z } from 'zod';

/** One line that fits into a configuration: `berth-ed25519:` and 32 bytes in base64url. */
export type PublicKeyText = `berth-ed25519:${string}`;

export interface KeyPair {
  /** PKCS #8 in PEM. */
  readonly privateKey: string;
  readonly publicKey: PublicKeyText;
  /** First 16 hexadecimal digits of the SHA-256 of the public key's 32 bytes. */
  readonly keyId: string;
}

/** A private key that was read and found fit to sign with. */
export interface Signer {
  readonly key: KeyObject;
  readonly publicKey: PublicKeyText;
  readonly keyId: string;
}

/** Whom a reader believes. `unsigned`: anybody; only for files of one's own. */
export type Trust = { readonly keys: readonly PublicKeyText[] } | 'unsigned';

const PREFIX = 'berth-ed25519:';
/** What comes before the 32 bytes of an Ed25519 public key in SubjectPublicKeyInfo (RFC 8410 §4). */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
/** Signed along with the text, so that a signature made for another purpose is none for this one. */
const PURPOSE = Buffer.from('berth-catalog-manifest-1\n');

const envelopeSchema = z.object({
  format: z.literal('berth-signed-1'),
  /** The signed bytes are those of this text in UTF-8. */
  payload: z.string(),
  signature: z.object({ keyId: z.string(), ed25519: z.string() }).nullable(),
});

export function generateKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const text = textOf(publicKey);
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { privateKey: pem, publicKey: text, keyId: keyIdOf(text) };
}

/** @throws BerthError `invalid-request` when it is no Ed25519 private key in PEM */
export function readSigner(pem: string): Signer {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    // The cause does not repeat the key.
    throw notASigner(cause);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw notASigner();
  const publicKey = textOf(createPublicKey(key));
  return { key, publicKey, keyId: keyIdOf(publicKey) };
}

function notASigner(cause?: unknown): BerthError {
  return new BerthError('invalid-request', 'The signing key is no Ed25519 private key in PEM', {
    hint: 'Make one with `berth catalog keygen`.',
    cause,
  });
}

/**
 * Writes the private key to a new file of mode 0600.
 * @throws BerthError `conflict` when there is a file: a key that readers trust is not replaced by mistake
 */
export async function writePrivateKey(path: string, privateKey: string): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error;
    throw new BerthError('conflict', `${path} exists already`, {
      hint: 'Readers trust the key in it. Name another file, or move this one away.',
    });
  }
  try {
    await file.writeFile(privateKey);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** @throws BerthError `invalid-request`, also when others may read the file */
export async function readPrivateKey(path: string): Promise<Signer> {
  const file = await open(path, 'r');
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) {
      throw new BerthError('invalid-request', `The signing key ${path} can be read by others`, {
        hint: `Run \`chmod 600 ${path}\`.`,
      });
    }
  } finally {
    await file.close();
  }
  return readSigner(await readFile(path, 'utf8'));
}

/** @throws BerthError `invalid-request` when the text is no public key */
export function parsePublicKey(text: string): PublicKeyText {
  const trimmed = text.trim();
  const bytes = Buffer.from(trimmed.slice(PREFIX.length), 'base64url');
  if (trimmed.startsWith(PREFIX) && bytes.length === 32) return `${PREFIX}${bytes.toString('base64url')}`;
  throw new BerthError('invalid-request', 'That is no public key of a catalog', {
    hint: `It is one line: ${PREFIX} and 43 letters and digits.`,
  });
}

function keyIdOf(key: PublicKeyText): string {
  return createHash('sha256').update(rawOf(key)).digest('hex').slice(0, 16);
}

/** An envelope with the text and its signature; without a signer, with none. Ends in a line end. */
export function sealText(payload: string, signer: Signer | null): string {
  const signature =
    signer === null
      ? null
      : { keyId: signer.keyId, ed25519: sign(null, signedBytes(payload), signer.key).toString('base64') };
  return `${JSON.stringify({ format: 'berth-signed-1', payload, signature })}\n`;
}

/** `untrusted`: it may well be whole, but is signed by nobody whom the reader was told of. */
export type NotOpened = { readonly ok: false; readonly reason: string; readonly untrusted?: true };
export type Opened = { readonly ok: true; readonly payload: string } | NotOpened;

/** The text of an envelope, if it is from somebody whom the reader trusts. */
export function openSealed(envelope: string, trust: Trust): Opened {
  const parsed = envelopeSchema.safeParse(jsonOf(envelope));
  if (!parsed.success) return { ok: false, reason: 'it is no signed manifest' };
  const { payload, signature } = parsed.data;
  if (trust === 'unsigned') return { ok: true, payload };
  if (signature === null) return { ok: false, reason: 'it is not signed', untrusted: true };
  const key = trust.keys.find((candidate) => keyIdOf(candidate) === signature.keyId);
  if (key === undefined) {
    return {
      ok: false,
      reason: `it is signed with the key ${signature.keyId.slice(0, 16)}, which is not trusted here`,
      untrusted: true,
    };
  }
  const bytes = Buffer.from(signature.ed25519, 'base64');
  if (!verify(null, signedBytes(payload), keyObjectOf(key), bytes)) {
    return { ok: false, reason: 'its signature is wrong: somebody changed it' };
  }
  return { ok: true, payload };
}

function signedBytes(payload: string): Buffer {
  return Buffer.concat([PURPOSE, Buffer.from(payload, 'utf8')]);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function rawOf(key: PublicKeyText): Buffer {
  return Buffer.from(key.slice(PREFIX.length), 'base64url');
}

function textOf(key: KeyObject): PublicKeyText {
  const raw = key.export({ format: 'der', type: 'spki' }).subarray(SPKI_HEAD.length);
  return `${PREFIX}${raw.toString('base64url')}`;
}

function keyObjectOf(key: PublicKeyText): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_HEAD, rawOf(key)]), format: 'der', type: 'spki' });
}
