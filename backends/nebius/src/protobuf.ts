/**
 * Messages in the wire format of Protocol Buffers, as far as this API needs it: texts, whole numbers and
 * messages in messages. Source: https://protobuf.dev/programming-guides/encoding/
 */

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;

/** A message that breaks off, or that has parts of no known kind. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

/** One field: a text, a whole number from 0, or a message. An empty text and 0 are not written, as proto3 has it. */
export function field(number: number, value: string | number | Uint8Array): Uint8Array {
  if (typeof value === 'number') {
    return value === 0 ? new Uint8Array() : Buffer.concat([varint(number * 8 + VARINT), varint(value)]);
  }
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  if (typeof value === 'string' && bytes.length === 0) return bytes;
  return Buffer.concat([varint(number * 8 + BYTES), varint(bytes.length), bytes]);
}

export function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** A message that was received. Fields that nobody asks for are passed over, as the format wants it. */
export class Message {
  readonly #fields = new Map<number, (bigint | Uint8Array)[]>();

  /** @throws ProtobufError */
  constructor(bytes: Uint8Array) {
    let at = 0;
    const next = (length: number): Uint8Array => {
      if (at + length > bytes.length) throw new ProtobufError('the message breaks off');
      at += length;
      return bytes.subarray(at - length, at);
    };
    const number = (): bigint => {
      let value = 0n;
      for (let shift = 0n; shift < 70n; shift += 7n) {
        const byte = next(1)[0] ?? 0;
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
      throw new ProtobufError('a number has no end');
    };
    while (at < bytes.length) {
      const tag = Number(number());
      const kind = tag % 8;
      let value: bigint | Uint8Array | null = null;
      if (kind === VARINT) value = number();
      else if (kind === BYTES) value = next(Number(number()));
      else if (kind === FIXED_64) next(8);
      else if (kind === FIXED_32) next(4);
      else throw new ProtobufError(`a field is of kind ${kind}, which there is not`);
      // Numbers of a fixed length: this API has none, so nobody asks for one.
      if (value === null) continue;
      const values = this.#fields.get(Math.floor(tag / 8));
      if (values === undefined) this.#fields.set(Math.floor(tag / 8), [value]);
      else values.push(value);
    }
  }

  /** Empty when absent. */
  text(number: number): string {
    const value = this.#last(number);
    return value instanceof Uint8Array ? Buffer.from(value).toString() : '';
  }

  /** 0 when absent. */
  number(number: number): number {
    const value = this.#last(number);
    return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0;
  }

  /** An empty message when absent. */
  message(number: number): Message {
    const value = this.#last(number);
    return new Message(value instanceof Uint8Array ? value : new Uint8Array());
  }

  messages(number: number): readonly Message[] {
    const values = this.#fields.get(number) ?? [];
    return values.filter((value) => value instanceof Uint8Array).map((value) => new Message(value));
  }

  #last(number: number): bigint | Uint8Array | undefined {
    return this.#fields.get(number)?.at(-1);
  }
}
