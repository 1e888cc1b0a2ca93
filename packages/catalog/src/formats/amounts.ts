/** Amounts as people write them into tables: `320 GB HBM2`, `8 x 3.84 TB NVMe SSD`, `Up to 10 Gigabit`. */

import { CellProblem } from './csv-column.ts';

/** What tables write for "we do not know". */
const UNKNOWN = /^(?:|unknown|n\/?a|none|null|-+|\?|tbd|variable)$/i;

export function isUnknown(text: string): boolean {
  return UNKNOWN.test(text.trim());
}

/** Longer cells hold something else, and would keep the patterns below busy for hours: they try every run of blanks. */
const LONGEST = 100;

const NUMBER = String.raw`(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)`;
const MEMORY = new RegExp(`^${NUMBER}\\s*(MiB|MB|GiB|GB|G|TiB|TB)?(?:\\s+[A-Z0-9]{2,8})?$`, 'i');
const DISK = new RegExp(`^(?:(\\d{1,3})\\s*[x×]\\s*)?${NUMBER}\\s*(GiB|GB|TiB|TB)?(?:\\s|$)`, 'i');
const RATE = new RegExp(`^(?:(\\d{1,3})\\s*[x×]\\s*)?${NUMBER}\\s*(?:Gigabit|Gbps|Gbit/s|Gb/s)?(?:\\s|$)`, 'i');

const GIB_OF_MEMORY: Readonly<Record<string, number>> = {
  mib: 1 / 1024,
  mb: 1 / 1024,
  gib: 1,
  gb: 1,
  g: 1,
  tib: 1024,
  tb: 1024,
};
const GB = 1e9;
const BYTES_OF_DISK: Readonly<Record<string, number>> = { gb: GB, tb: 1000 * GB, gib: 1024 ** 3, tib: 1024 ** 4 };

/** In GiB, also where the table writes GB: clouds count memory in powers of two and name them so. Null: unknown. */
export function parseMemoryGib(text: string): number | null | CellProblem {
  if (isUnknown(text)) return null;
  const match = matchOf(MEMORY, text.trim());
  if (match === null) return new CellProblem('is no amount of memory');
  return plain(match[1]) * (GIB_OF_MEMORY[(match[2] ?? 'gib').toLowerCase()] ?? 1);
}

/** In MiB; GB and TB are decimal, as disks are sold. Null: unknown, or none of its own (`EBS Only`). */
export function parseDiskMib(text: string): number | null | CellProblem {
  const trimmed = text.trim();
  if (isUnknown(trimmed) || /\bonly$/i.test(trimmed)) return null;
  const match = matchOf(DISK, trimmed);
  if (match === null) return new CellProblem('is no size of a disk');
  const bytes = plain(match[2]) * (BYTES_OF_DISK[(match[3] ?? 'gb').toLowerCase()] ?? GB);
  return Math.round((Number(match[1] ?? 1) * bytes) / (1024 * 1024));
}

export interface Network {
  /** Null where the table names a class (`Moderate`), or a ceiling that is reached in bursts (`Up to 10 Gigabit`). */
  readonly gbps: number | null;
  readonly interconnect: string | null;
}

/** Words for a network are many and never a reason to refuse a row. */
export function parseNetwork(text: string): Network {
  const trimmed = text.trim();
  const interconnect = /\b(EFA|InfiniBand)/i.exec(trimmed)?.[1] ?? null;
  const match = matchOf(RATE, trimmed);
  const gbps = match === null ? null : Number(match[1] ?? 1) * plain(match[2]);
  return { gbps, interconnect };
}

/** `$1,234.56 per hour` is a price, too. */
export function priceText(text: string): string {
  const trimmed = text.trim();
  if (trimmed.length > LONGEST) return trimmed;
  return trimmed
    .replace(/^(?:USD|\$)\s*/i, '')
    .replace(/\s*(?:USD)?\s*(?:\/\s*|per\s+)?(?:h|hr|hour|hourly)?$/i, '')
    .replace(/^\d{1,3}(?:,\d{3})+(?=\.|$)/, (whole) => whole.replaceAll(',', ''));
}

function matchOf(pattern: RegExp, text: string): RegExpExecArray | null {
  return text.length > LONGEST ? null : pattern.exec(text);
}

function plain(digits: string | undefined): number {
  return Number((digits ?? '').replaceAll(',', ''));
}
