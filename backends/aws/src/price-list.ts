/**
 * AWS's public price list of EC2, a CSV file for each region: five lines about the file, a header, and a
 * line for every way to pay for everything. Some hundred megabytes of it are read line by line, and what
 * is not a price of ours is let go at once.
 *
 * Source: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/bulk-api-reading-price-list-files.html
 */

import { BerthError } from '@berth/core';
import { z } from 'zod';
import { splitCsvLine } from './csv-line.ts';

export const PRICE_LIST_ORIGIN = 'https://pricing.us-east-1.amazonaws.com';
export const REGION_INDEX_URL = `${PRICE_LIST_ORIGIN}/offers/v1.0/aws/AmazonEC2/current/region_index.json`;

/** Source: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/service-region-index-file-for-service.html */
export const regionIndexSchema = z.object({
  regions: z.record(
    z.string(),
    z.object({ regionCode: z.string().min(1), currentVersionUrl: z.string().startsWith('/offers/') }),
  ),
});

/** The index names the JSON file; the CSV, which can be read line by line, stands beside it. */
export function csvUrl(currentVersionUrl: string): string {
  return new URL(currentVersionUrl.replace(/\.json$/, '.csv'), PRICE_LIST_ORIGIN).href;
}

/** Cells as they are written. */
export interface PriceRow {
  readonly instanceType: string;
  readonly region: string;
  readonly instanceFamily: string;
  readonly pricePerUnit: string;
  readonly vcpu: string;
  readonly memory: string;
  readonly storage: string;
  readonly network: string;
  readonly processor: string;
  readonly gpu: string;
}

/** What a row must say, in these words, to be the price per hour of a machine with Linux and nothing else on it. */
const WANTED: Readonly<Record<string, readonly string[]>> = {
  'term type': ['OnDemand'],
  unit: ['Hrs'],
  currency: ['USD'],
  tenancy: ['Shared'],
  'operating system': ['Linux'],
  'pre installed s/w': ['NA', ''],
  capacitystatus: ['Used'],
  // Capacity Blocks stand in the list too, at a price of nought.
  marketoption: ['OnDemand'],
  'location type': ['AWS Region', 'AWS Local Zone', 'AWS Wavelength Zone'],
};

const CELLS: Readonly<Record<keyof PriceRow, string>> = {
  instanceType: 'instance type',
  region: 'region code',
  instanceFamily: 'instance family',
  pricePerUnit: 'priceperunit',
  vcpu: 'vcpu',
  memory: 'memory',
  storage: 'storage',
  network: 'network performance',
  processor: 'physical processor',
  gpu: 'gpu',
};

/** The header is AWS's; spellings differ between its files in blanks and capitals only. */
const keyOf = (column: string): string => column.trim().toLowerCase();
const ALIASES: Readonly<Record<string, string>> = { termtype: 'term type' };

/** Lines about the file that stand before the header. */
const PREAMBLE = 5;

/**
 * The rows that are prices of ours.
 * @throws BerthError `unavailable` when it is no price list, lacks a column, or has a line that is none
 */
export async function* readPriceList(lines: AsyncIterable<string>, file: string): AsyncGenerator<PriceRow> {
  let number = 0;
  let columns: Columns | null = null;
  for await (const line of lines) {
    number += 1;
    if (columns === null) {
      columns = readHeader(line, file, number);
      continue;
    }
    if (!mayBeOurs(line)) continue;
    const cells = splitCsvLine(line);
    if (cells === null || cells.length !== columns.count) {
      throw formatError(file, `line ${number} is no line of its table`);
    }
    const row = columns.read(cells);
    if (row !== null) yield row;
  }
  if (columns === null) throw formatError(file, `it ended before its header, after ${number} lines`);
}

/** Spares nine lines of ten the reading. A cell that is exactly "Reserved" is never on a line of ours. */
function mayBeOurs(line: string): boolean {
  return line.includes('OnDemand') && line.includes('Linux') && line.includes('Shared') && !line.includes('"Reserved"');
}

interface Columns {
  readonly count: number;
  /** Null: not a price of ours. */
  read(cells: readonly string[]): PriceRow | null;
}

/** Null while the lines are still about the file. */
function readHeader(line: string, file: string, number: number): Columns | null {
  const cells = splitCsvLine(line) ?? [];
  const keys = cells.map((cell) => ALIASES[keyOf(cell)] ?? keyOf(cell));
  if (keys[0] !== 'sku') {
    if (number > PREAMBLE) throw formatError(file, `line ${number} should be its header and begins with "${keys[0]}"`);
    return null;
  }
  const find = (column: string): number => {
    const index = keys.indexOf(column);
    if (index === -1) throw formatError(file, `it has no column "${column}"`);
    return index;
  };
  const wanted = Object.entries(WANTED).map(([column, values]) => [find(column), values] as const);
  const places = Object.entries(CELLS).map(([cell, column]) => [cell, find(column)] as const);
  return {
    count: cells.length,
    read(row) {
      if (!wanted.every(([index, values]) => values.includes(row[index] ?? ''))) return null;
      // Object.fromEntries forgets which keys it was given; they are those of PriceRow.
      return Object.fromEntries(places.map(([cell, index]) => [cell, row[index] ?? ''])) as unknown as PriceRow;
    },
  };
}

function formatError(file: string, what: string): BerthError {
  return new BerthError(
    'unavailable',
    `AWS's price list ${file} is not in the form that it is documented in: ${what}.`,
    {
      hint: 'The last version stays in use. When this goes on, the collector must learn the new form.',
    },
  );
}
