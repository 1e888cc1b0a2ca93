import { type FileHandle, open, readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { Millis } from '@berth/core/ids';
import { replaceFile, writeFully } from './durable-file.ts';
import type { AgentEvent } from './protocol.ts';

export interface JournalEntry {
  readonly seq: number;
  readonly at: Millis;
  readonly event: AgentEvent;
}

/** A rewrite is worth it only when the file has grown to this. */
const COMPACT_BYTES = 128 * 1024;
/**
 * Numbers skipped at every start. Events that were sent but not yet forced to disk when the power
 * failed are gone from the file, yet the server has stored their numbers: new events must lie above.
 */
const SEQ_GAP = 1_000_000;

/**
 * The events that the server has not stored yet, on disk. One line each: CRC-32 in hex, a space, JSON.
 * Whatever cannot be written stays in memory and is tried again with the next write: a full disk
 * delays the journal, it does not stop the agent.
 */
export class Journal {
  readonly #path: string;
  #file: FileHandle;
  #size: number;
  #entries: JournalEntry[];
  #lastSeq: number;
  /** False: the file lacks something that memory has, so it must be rewritten. */
  #complete = true;
  #queue: Promise<void> = Promise.resolve();

  private constructor(path: string, file: FileHandle, size: number, entries: JournalEntry[], lastSeq: number) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
    this.#entries = entries;
    this.#lastSeq = lastSeq;
  }

  /** Loads what is there; a record that was cut off by a crash, and what follows it, is dropped. */
  static async open(path: string): Promise<Journal> {
    const { entries, lastSeq } = parse(await readOrEmpty(path));
    const base = lastSeq === 0 ? 0 : lastSeq + SEQ_GAP;
    const content = serialize(base, entries);
    await replaceFile(path, content);
    return new Journal(path, await open(path, 'r+'), Buffer.byteLength(content), entries, base);
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** In order, oldest first. */
  after(seq: number): readonly JournalEntry[] {
    return this.#entries.filter((entry) => entry.seq > seq);
  }

  /**
   * Resolves when the entry is in the file (`durable`: also forced to disk) or the attempt failed;
   * `written` tells which.
   */
  async append(event: AgentEvent, at: Millis, durable: boolean): Promise<{ entry: JournalEntry; written: boolean }> {
    this.#lastSeq += 1;
    const entry: JournalEntry = { seq: this.#lastSeq, at, event };
    let written = true;
    await this.#inOrder(async () => {
      this.#entries.push(entry);
      try {
        if (this.#complete) {
          const line = Buffer.from(toLine(entry), 'utf8');
          await writeFully(this.#file, line, this.#size);
          this.#size += line.length;
        } else {
          await this.#rewrite();
        }
        if (durable) await this.#file.datasync();
      } catch {
        this.#complete = false;
        written = false;
      }
    });
    return { entry, written };
  }

  /** Everything up to `seq` is stored by the server and may be forgotten. */
  async ack(seq: number): Promise<void> {
    await this.#inOrder(async () => {
      const first = this.#entries.findIndex((entry) => entry.seq > seq);
      this.#entries = first === -1 ? [] : this.#entries.slice(first);
      if (this.#size < COMPACT_BYTES && this.#complete) return;
      try {
        await this.#rewrite();
      } catch {
        this.#complete = false;
      }
    });
  }

  /** Drops events that have lost their meaning, before anybody was told of them in this life of the agent. */
  forget(isObsolete: (event: AgentEvent) => boolean): void {
    this.#entries = this.#entries.filter((entry) => !isObsolete(entry.event));
  }

  async close(): Promise<void> {
    await this.#inOrder(() => this.#file.close());
  }

  async #rewrite(): Promise<void> {
    const content = serialize(this.#lastSeq, this.#entries);
    await replaceFile(this.#path, content);
    const old = this.#file;
    this.#file = await open(this.#path, 'r+');
    this.#size = Buffer.byteLength(content);
    this.#complete = true;
    await old.close();
  }

  #inOrder(action: () => Promise<void>): Promise<void> {
    const next = this.#queue.then(action);
    this.#queue = next.catch(() => undefined);
    return next;
  }
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}

function toLine(record: unknown): string {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

function serialize(lastSeq: number, entries: readonly JournalEntry[]): string {
  return toLine({ base: lastSeq }) + entries.map(toLine).join('');
}

function parse(content: string): { entries: JournalEntry[]; lastSeq: number } {
  const entries: JournalEntry[] = [];
  let lastSeq = 0;
  for (const line of content.split('\n')) {
    const json = line.slice(9);
    if (line.length < 10 || crc32(json).toString(16).padStart(8, '0') !== line.slice(0, 8)) break;
    const record = JSON.parse(json) as JournalEntry | { base: number }; // our own writing, checked by its CRC
    if ('base' in record) {
      lastSeq = Math.max(lastSeq, record.base);
    } else {
      entries.push(record);
      lastSeq = Math.max(lastSeq, record.seq);
    }
  }
  return { entries, lastSeq };
}
