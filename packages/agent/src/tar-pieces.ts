import { isUtf8 } from 'node:buffer';

/**
 * Cuts a tar (not compressed) so that the library that reads it cannot misread names: a header that
 * carries a long name or attributes comes together with all of them, because the library decodes every
 * piece by itself and so damages a character that lies across two.
 */

const BLOCK = 512;
/** Of long names and attributes: what the library takes. */
const MAX_META = 1024 * 1024;
/** Entries that describe the one after them: pax attributes (x, g), GNU's long names (L, K). */
const META = new Set(['x', 'g', 'L', 'K']);

interface Said {
  readonly path: boolean;
  readonly linkpath: boolean;
  /** In bytes; null: its own header does. */
  readonly size: number | null;
}
const NOTHING_SAID: Said = { path: false, linkpath: false, size: null };

/** An archive that cannot be unpacked as it is; the message names the entry and says why. */
export class UnusableArchive extends Error {
  override readonly name = 'UnusableArchive';
}

/**
 * Yields the same bytes. Throws `UnusableArchive` for a name that is not UTF-8: Node knows names only
 * as text, and the file would come out under another one.
 */
export async function* tarPieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Buffer = Buffer.alloc(0);
  /** Bytes of the current entry that are still to come, with their padding. */
  let body = 0;
  /** What is said of the next entry before its own header, which then holds only a part of it or nothing. */
  let said: Said = NOTHING_SAID;
  for await (const chunk of source) {
    rest = rest.length === 0 ? asBuffer(chunk) : Buffer.concat([rest, chunk]);
    let position = 0;
    while (position < rest.length) {
      if (body > 0) {
        const take = Math.min(body, rest.length - position);
        body -= take;
        position += take;
        continue;
      }
      if (rest.length - position < BLOCK) break;
      const header = rest.subarray(position, position + BLOCK);
      const type = String.fromCharCode(header[156] ?? 0);
      const size = sizeOf(header);
      if (!META.has(type)) {
        checkNames(header, said);
        body = padded(said.size ?? size);
        said = NOTHING_SAID;
        position += BLOCK;
        continue;
      }
      const whole = BLOCK + padded(Math.min(size, MAX_META));
      if (rest.length - position < whole) break;
      const meta = rest.subarray(position + BLOCK, position + BLOCK + Math.min(size, MAX_META));
      said = { ...said, ...readMeta(type, meta) };
      body = padded(size) - (whole - BLOCK);
      position += whole;
    }
    if (position > 0) yield rest.subarray(0, position);
    rest = rest.subarray(position);
  }
  if (rest.length > 0) yield rest;
}

function checkNames(header: Buffer, said: Said): void {
  const [name, link] = [field(header, 0, 100), field(header, 157, 100)];
  const prefix = header.toString('latin1', 257, 262) === 'ustar' ? field(header, 345, 155) : Buffer.alloc(0);
  if (!said.path && !(isUtf8(name) && isUtf8(prefix))) throw notUtf8(name);
  if (!said.linkpath && !isUtf8(link)) throw notUtf8(link);
}

function readMeta(type: string, meta: Buffer): Partial<Said> {
  if (type === 'L' || type === 'K') {
    if (!isUtf8(meta)) throw notUtf8(meta);
    return type === 'L' ? { path: true } : { linkpath: true };
  }
  const said: { -readonly [K in keyof Said]?: Said[K] } = {};
  for (const [key, value] of paxRecords(meta)) {
    if (key === 'size') said.size = Number(value.toString('latin1'));
    if (key !== 'path' && key !== 'linkpath') continue;
    if (!isUtf8(value)) throw notUtf8(value);
    said[key] = true;
  }
  return said;
}

/** `LENGTH KEY=VALUE\n` each, where the length counts all of it. */
function* paxRecords(meta: Buffer): Generator<readonly [string, Buffer]> {
  let at = 0;
  while (at < meta.length) {
    const space = meta.indexOf(0x20, at);
    const length = Number(meta.toString('latin1', at, space));
    if (space === -1 || !(length > 0)) return;
    const equals = meta.indexOf(0x3d, space);
    if (equals === -1 || equals >= at + length) return;
    yield [meta.toString('latin1', space + 1, equals), meta.subarray(equals + 1, at + length - 1)];
    at += length;
  }
}

/** Octal, or base 256 where the first bit is set. */
function sizeOf(header: Buffer): number {
  const bytes = header.subarray(124, 136);
  if (((bytes[0] ?? 0) & 0x80) !== 0) return bytes.readUIntBE(6, 6);
  const size = Number.parseInt(bytes.toString('latin1').replace(/[^0-7].*$/s, ''), 8);
  return Number.isNaN(size) ? 0 : size;
}

/** Up to the first zero. */
function field(header: Buffer, start: number, length: number): Buffer {
  const bytes = header.subarray(start, start + length);
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function notUtf8(name: Buffer): UnusableArchive {
  const end = name.indexOf(0);
  const shown = JSON.stringify(name.subarray(0, end === -1 ? name.length : end).toString('latin1'));
  return new UnusableArchive(`the name ${shown} (read as Latin-1) is not UTF-8; rename the file, or exclude it`);
}
