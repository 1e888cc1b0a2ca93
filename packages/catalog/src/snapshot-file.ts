/**
 * The container of a snapshot: a header, a table of sections, and the sections, each at a multiple of
 * 8 bytes so that typed arrays lie over them without a copy. All numbers are little-endian.
 *
 *   0   8  magic `BERTHCAT`
 *   8   4  format version
 *   12  4  number of sections
 *   16  8  bytes of the whole file
 *   24  32 SHA-256 of everything else
 *   56  8  zero
 *   64     table: element kind (u32), bytes (u32), offset / 8 (u32), zero (u32), for each section
 */

import { createHash } from 'node:crypto';
import { BerthError } from '@berth/core/errors';

const MAGIC = 'BERTHCAT';
/** Raised when a section is added, removed or read differently. */
const SNAPSHOT_FORMAT = 1;
const HEADER_BYTES = 64;
const HASH_AT = 24;
const HASH_BYTES = 32;
const ENTRY_BYTES = 16;
/** Hashing this much takes about a millisecond without help from the processor: others get their turn in between. */
const HASH_SLICE = 512 * 1024;
const MOST_SECTIONS = 256;

export type Codes = Uint8Array | Uint16Array | Uint32Array;
export type Section = Codes | Float64Array;

const KINDS = [Uint8Array, Uint16Array, Uint32Array, Float64Array] as const;

/** What is wrong with a snapshot, for a person. */
export function badSnapshot(problem: string): BerthError {
  return new BerthError('invalid-request', `This is no good catalog snapshot: ${problem}.`, {
    hint: 'Fetch it again with `berth catalog pull`, or collect it anew.',
  });
}

/** @throws BerthError `too-large` over 4 GiB in one section */
export function writeSections(sections: readonly Section[]): Uint8Array<ArrayBuffer> {
  let offset = padded(HEADER_BYTES + sections.length * ENTRY_BYTES);
  const offsets = sections.map((section) => {
    const at = offset;
    if (section.byteLength > 0xffff_ffff) throw new BerthError('too-large', 'A snapshot column has more than 4 GiB.');
    offset = padded(offset + section.byteLength);
    return at;
  });
  const bytes = new Uint8Array(offset);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from(MAGIC, 'latin1'));
  view.setUint32(8, SNAPSHOT_FORMAT, true);
  view.setUint32(12, sections.length, true);
  view.setBigUint64(16, BigInt(offset), true);
  sections.forEach((section, index) => {
    const entry = HEADER_BYTES + index * ENTRY_BYTES;
    const at = offsets[index] ?? 0;
    view.setUint32(
      entry,
      KINDS.findIndex((kind) => section instanceof kind),
      true,
    );
    view.setUint32(entry + 4, section.byteLength, true);
    view.setUint32(entry + 8, at / 8, true);
    bytes.set(new Uint8Array(section.buffer, section.byteOffset, section.byteLength), at);
  });
  const hash = createHash('sha256').update(bytes.subarray(0, HASH_AT));
  bytes.set(hash.update(bytes.subarray(HASH_AT + HASH_BYTES)).digest(), HASH_AT);
  return bytes;
}

/**
 * The sections as views of `bytes`, which must not change afterwards. Yields where others may have
 * their turn.
 * @throws BerthError `invalid-request` for what is damaged, cut short or something else
 */
export function* readSections(given: Uint8Array, expected: number): Generator<void, readonly Section[]> {
  const bytes = given.byteOffset % 8 === 0 ? given : new Uint8Array(given); // views need whole numbers of elements
  if (bytes.length < HEADER_BYTES) throw badSnapshot(`it has ${bytes.length} bytes, fewer than its header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (Buffer.from(bytes.subarray(0, 8)).toString('latin1') !== MAGIC) {
    throw badSnapshot('it does not begin like one');
  }
  const format = view.getUint32(8, true);
  if (format !== SNAPSHOT_FORMAT) {
    throw badSnapshot(`it has format ${format}, and this version of Berth reads format ${SNAPSHOT_FORMAT}`);
  }
  const length = view.getBigUint64(16, true);
  if (length !== BigInt(bytes.length)) {
    const what = length > BigInt(bytes.length) ? 'it is cut short' : 'something is appended to it';
    throw badSnapshot(`${what}: ${bytes.length} bytes instead of ${length}`);
  }
  const hash = createHash('sha256').update(bytes.subarray(0, HASH_AT));
  for (let at = HASH_AT + HASH_BYTES; at < bytes.length; at += HASH_SLICE) {
    hash.update(bytes.subarray(at, at + HASH_SLICE));
    yield;
  }
  if (!hash.digest().equals(bytes.subarray(HASH_AT, HASH_AT + HASH_BYTES))) {
    throw badSnapshot('its checksum does not agree with its content');
  }
  const count = view.getUint32(12, true);
  if (count !== expected || count > MOST_SECTIONS) throw badSnapshot(`it has ${count} sections instead of ${expected}`);
  if (HEADER_BYTES + count * ENTRY_BYTES > bytes.length) throw badSnapshot('its table of sections is cut short');
  return Array.from({ length: count }, (_, index) => sectionAt(bytes, view, index));
}

function sectionAt(bytes: Uint8Array, view: DataView, index: number): Section {
  const entry = HEADER_BYTES + index * ENTRY_BYTES;
  const Kind = KINDS[view.getUint32(entry, true)];
  const size = view.getUint32(entry + 4, true);
  const at = view.getUint32(entry + 8, true) * 8;
  if (Kind === undefined) throw badSnapshot(`section ${index} is of no known kind`);
  if (at < HEADER_BYTES || at + size > bytes.length || size % Kind.BYTES_PER_ELEMENT !== 0) {
    throw badSnapshot(`section ${index} lies outside of the file`);
  }
  return new Kind(bytes.buffer as ArrayBuffer, bytes.byteOffset + at, size / Kind.BYTES_PER_ELEMENT); // never shared memory
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
