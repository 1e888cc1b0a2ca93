/**
 * The file of a price history: a head, and one frame for every version that changed something.
 *
 *     head    `BERTHHS1`
 *     frame   payload's length (u32), CRC-32 of the payload (u32), payload
 *     payload 0: as it is, 1: deflated; then in LEB128
 *             seconds since the frame before (the first: since 1970)
 *             new texts: how many, each
 *             new series: how many, each: backend, type, region, zone + 1, capacity, flags, device + 1
 *                         and, with a device, memory in MiB (0: not known) and count
 *             changes: how many; their series, ascending, as distances; what each became:
 *                      0: gone, else 1 + zigzag(millionths of a dollar more than the last price)
 *
 * Little-endian. Frames are only ever added; what a crash leaves of the last one is cut.
 */
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { CAPACITY_TYPES, type CapacityType } from '@berth/core/offer';
import { ByteReader, ByteWriter, unzigzag, zigzag } from './history-bytes.ts';

const HEAD = Buffer.from('BERTHHS1', 'latin1');
const FRAME_HEAD = 8;
/** Shorter payloads do not get smaller. */
const DEFLATE_FROM = 256;
/** A first version of a million offers takes a tenth of it. */
const MAX_PAYLOAD = 256 * 1024 * 1024;

/** What tells one line of prices from another: as an offer's id. */
export interface HistorySeries {
  readonly backend: string;
  readonly instanceType: string;
  readonly region: string;
  readonly zone: string | null;
  readonly capacityType: CapacityType;
  readonly flags: readonly string[];
  readonly accelerator: { readonly name: string; readonly memoryMiB: number | null; readonly count: number } | null;
}

/** Millionths of a dollar per hour; null: gone. */
export type MicroPrice = number | null;

export interface HistoryBatch {
  /** Milliseconds since 1970, in whole seconds. */
  readonly at: number;
  /** By series, ascending. */
  readonly changes: readonly (readonly [series: number, price: MicroPrice])[];
}

/** What the next frame is written or read against. */
export interface LogState {
  readonly series: HistorySeries[];
  /** The last price that each series had, gone or not. */
  readonly lastPrice: number[];
  readonly texts: Map<string, number>;
  readonly textList: string[];
  /** Seconds since 1970. */
  second: number;
}

export function newLogState(): LogState {
  return { series: [], lastPrice: [], texts: new Map(), textList: [], second: 0 };
}

export function logHead(): Uint8Array {
  return HEAD;
}

/** A frame with new series (numbered on from those of the state) and changes; the state moves on with it. */
export function writeFrame(state: LogState, newSeries: readonly HistorySeries[], batch: HistoryBatch): Uint8Array {
  const newTexts: string[] = [];
  const textOf = (text: string): number => {
    const known = state.texts.get(text);
    if (known !== undefined) return known;
    const code = state.textList.length;
    state.texts.set(text, code);
    state.textList.push(text);
    newTexts.push(text);
    return code;
  };
  const tuples = new ByteWriter();
  for (const series of newSeries) {
    const { backend, instanceType, region, zone, capacityType, flags, accelerator } = series;
    tuples.count(textOf(backend));
    tuples.count(textOf(instanceType));
    tuples.count(textOf(region));
    tuples.count(zone === null ? 0 : textOf(zone) + 1);
    tuples.count(CAPACITY_TYPES.indexOf(capacityType));
    tuples.count(textOf(flags.join(' ')));
    tuples.count(accelerator === null ? 0 : textOf(accelerator.name) + 1);
    if (accelerator !== null) {
      tuples.count(accelerator.memoryMiB ?? 0);
      tuples.count(textOf(String(accelerator.count)));
    }
    state.series.push(series);
    state.lastPrice.push(0);
  }
  const second = Math.floor(batch.at / 1000);
  const payload = new ByteWriter();
  payload.count(second - state.second);
  payload.count(newTexts.length);
  for (const text of newTexts) payload.text(text);
  payload.count(newSeries.length);
  payload.raw(tuples.finish());
  payload.count(batch.changes.length);
  let before = 0;
  for (const [series] of batch.changes) {
    payload.count(series - before);
    before = series;
  }
  for (const [series, price] of batch.changes) {
    payload.count(price === null ? 0 : 1 + zigzag(price - (state.lastPrice[series] ?? 0)));
    if (price !== null) state.lastPrice[series] = price;
  }
  state.second = second;
  return frameOf(payload.finish());
}

function frameOf(plain: Uint8Array): Uint8Array {
  const deflated = plain.length < DEFLATE_FROM ? null : deflateRawSync(plain, { level: 9 });
  const smaller = deflated !== null && deflated.length < plain.length ? deflated : null;
  const frame = Buffer.alloc(FRAME_HEAD + 1 + (smaller ?? plain).length);
  frame[FRAME_HEAD] = smaller === null ? 0 : 1;
  frame.set(smaller ?? plain, FRAME_HEAD + 1);
  frame.writeUInt32LE(frame.length - FRAME_HEAD, 0);
  frame.writeUInt32LE(crc32(frame.subarray(FRAME_HEAD)), 4);
  return frame;
}

export interface ReadLog {
  readonly state: LogState;
  readonly batches: HistoryBatch[];
  /** How many bytes are good; what comes after them is to be cut. */
  readonly goodBytes: number;
  /** Why reading ended before the end of the bytes; null: it did not. */
  readonly cut: string | null;
}

/** Reads as far as the bytes are good: what a crash or a broken disk left after that is told, not guessed. */
export function readLog(bytes: Uint8Array): ReadLog {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const state = newLogState();
  const batches: HistoryBatch[] = [];
  const end = (goodBytes: number, cut: string | null): ReadLog => ({ state, batches, goodBytes, cut });
  if (!buffer.subarray(0, HEAD.length).equals(HEAD)) {
    return end(0, bytes.byteLength === 0 ? null : 'it is no price history');
  }
  let at = HEAD.length;
  while (at < buffer.length) {
    const length = buffer.length - at >= FRAME_HEAD ? buffer.readUInt32LE(at) : null;
    if (length === null || length === 0 || at + FRAME_HEAD + length > buffer.length) {
      return end(at, 'the last record is not whole');
    }
    const framed = buffer.subarray(at + FRAME_HEAD, at + FRAME_HEAD + length);
    if (crc32(framed) !== buffer.readUInt32LE(at + 4)) return end(at, 'a record is damaged');
    try {
      const body = framed.subarray(1);
      batches.push(readPayload(state, framed[0] === 1 ? inflateRawSync(body, { maxOutputLength: MAX_PAYLOAD }) : body));
    } catch (error) {
      return end(at, `a record cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
    at += FRAME_HEAD + length;
  }
  return end(at, null);
}

/** Changes the state only when all of the payload could be read. */
function readPayload(state: LogState, payload: Uint8Array): HistoryBatch {
  const reader = new ByteReader(payload);
  const second = state.second + reader.count();
  const texts = Array.from({ length: bounded(reader.count(), payload) }, () => reader.text());
  const textAt = (code: number): string => {
    const text = state.textList[code] ?? texts[code - state.textList.length];
    if (text === undefined) throw new RangeError('a text is missing');
    return text;
  };
  const series = Array.from({ length: bounded(reader.count(), payload) }, () => readSeries(reader, textAt));
  const total = state.series.length + series.length;
  const changed = bounded(reader.count(), payload);
  const indexes: number[] = [];
  let index = 0;
  for (let i = 0; i < changed; i++) {
    index += reader.count();
    if (index >= total) throw new RangeError('a series is missing');
    indexes.push(index);
  }
  const prices = new Map<number, number>();
  const changes = indexes.map((of): readonly [number, MicroPrice] => {
    const code = reader.count();
    if (code === 0) return [of, null];
    const price = (prices.get(of) ?? state.lastPrice[of] ?? 0) + unzigzag(code - 1);
    prices.set(of, price);
    return [of, price];
  });
  if (!reader.atEnd) throw new RangeError('there is more than was said');
  for (const text of texts) {
    state.texts.set(text, state.textList.length);
    state.textList.push(text);
  }
  for (const one of series) {
    state.series.push(one);
    state.lastPrice.push(0);
  }
  for (const [of, price] of prices) state.lastPrice[of] = price;
  state.second = second;
  return { at: second * 1000, changes };
}

function readSeries(reader: ByteReader, textAt: (code: number) => string): HistorySeries {
  const backend = textAt(reader.count());
  const instanceType = textAt(reader.count());
  const region = textAt(reader.count());
  const zone = reader.count();
  const capacityType = CAPACITY_TYPES[reader.count()];
  if (capacityType === undefined) throw new RangeError('a capacity type is unknown');
  const flags = textAt(reader.count());
  const device = reader.count();
  const accelerator =
    device === 0
      ? null
      : { name: textAt(device - 1), memoryMiB: reader.count() || null, count: Number(textAt(reader.count())) };
  return {
    backend,
    instanceType,
    region,
    zone: zone === 0 ? null : textAt(zone - 1),
    capacityType,
    flags: flags === '' ? [] : flags.split(' '),
    accelerator,
  };
}

/** Everything that is counted takes a byte; a count beyond the bytes is a lie that would take all memory. */
function bounded(count: number, payload: Uint8Array): number {
  if (count > payload.length) throw new RangeError('it counts more than it holds');
  return count;
}
