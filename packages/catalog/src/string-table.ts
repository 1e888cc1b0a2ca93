/** Strings as one block of UTF-8 with offsets, decoded when they are asked for. */

import { isAscii } from 'node:buffer';
import { badSnapshot } from './snapshot-file.ts';

export class StringTable {
  readonly length: number;
  readonly #bytes: Buffer;
  readonly #ends: Uint32Array;
  readonly #ascii: boolean;
  readonly #remember: boolean;
  #texts: (string | undefined)[] | null = null;

  /**
   * `remember`: texts are kept once decoded; for tables whose entries are asked for again and again.
   * @throws BerthError when the offsets do not part the block
   */
  constructor(name: string, bytes: Uint8Array, ends: Uint32Array, remember: boolean) {
    this.length = ends.length;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#ends = ends;
    this.#remember = remember;
    let last = 0;
    for (const end of ends) {
      if (end < last) throw badSnapshot(`its table of ${name} is out of order`);
      last = end;
    }
    if (last !== bytes.length) throw badSnapshot(`its table of ${name} has ${bytes.length} bytes instead of ${last}`);
    this.#ascii = isAscii(bytes);
  }

  /** @throws RangeError outside of the table */
  at(index: number): string {
    const known = this.#texts?.[index];
    if (known !== undefined) return known;
    const end = this.#ends[index];
    if (end === undefined) throw new RangeError(`string ${index} of ${this.length}`);
    const start = index === 0 ? 0 : (this.#ends[index - 1] ?? 0);
    const text = this.#ascii ? this.#bytes.toString('latin1', start, end) : this.#bytes.toString('utf8', start, end);
    if (this.#remember) {
      this.#texts ??= new Array<string | undefined>(this.length);
      this.#texts[index] = text;
    }
    return text;
  }
}

/** The two sections of a table. Texts must be well-formed Unicode. */
export function stringSections(texts: readonly string[]): readonly [bytes: Uint8Array, ends: Uint32Array] {
  const ends = new Uint32Array(texts.length);
  let total = 0;
  for (const [index, text] of texts.entries()) {
    total += Buffer.byteLength(text);
    ends[index] = total;
  }
  const bytes = Buffer.alloc(total);
  let at = 0;
  for (const text of texts) at += bytes.write(text, at);
  return [bytes, ends];
}
