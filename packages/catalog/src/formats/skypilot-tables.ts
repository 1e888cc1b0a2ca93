/** SkyPilot's smaller tables: images by tag, and what each accelerator counts against at the cloud. */

import type { ByteSource } from './byte-source.ts';
import type { CsvRecord } from './csv.ts';
import { CellProblem, CsvColumn } from './csv-column.ts';
import { readCsvTable, requireColumns } from './csv-table.ts';
import { csvRow } from './csv-text.ts';
import { ImportCount, type ImportReport } from './import-report.ts';

export interface SkypilotImage {
  /** `skypilot:<name>`. */
  readonly tag: string;
  /** Null: in every region. */
  readonly region: string | null;
  readonly os: string;
  readonly osVersion: string;
  readonly imageId: string;
  /** As written: `20241030`, `2024-10-30`. */
  readonly creationDate: string | null;
  /** What it was made of; only GCP's file says it. */
  readonly baseImageId: string | null;
}

/** Limits of an account are set by these codes; null: there is none of that kind. */
export interface QuotaCodes {
  readonly onDemand: string | null;
  readonly spot: string | null;
}

/** AWS: by instance type, codes of Service Quotas. GCP: by SkyPilot's name of the accelerator, metrics. */
export type QuotaMap = ReadonlyMap<string, QuotaCodes>;
export type QuotaKey = 'InstanceType' | 'Accelerator';

export interface TableRead<T> {
  readonly value: T;
  readonly report: ImportReport;
}

/** @throws CsvError when the file is not this table */
export async function readSkypilotImages(source: ByteSource): Promise<TableRead<readonly SkypilotImage[]>> {
  const images: SkypilotImage[] = [];
  const required = ['Tag', 'OS', 'OSVersion', 'ImageId'];
  const report = await readTexts(source, "SkyPilot's images.csv", required, IMAGE_COLUMNS, (cells) => {
    const [tag = '', region = '', os = '', osVersion = '', imageId = '', creationDate = '', baseImageId = ''] = cells;
    const empty = required[[tag, os, osVersion, imageId].indexOf('')];
    if (empty !== undefined) return { column: empty, reason: 'is empty' };
    images.push({
      tag,
      region: region || null,
      os,
      osVersion,
      imageId,
      creationDate: creationDate || null,
      baseImageId: baseImageId || null,
    });
    return null;
  });
  return { value: images, report };
}

export function writeSkypilotImages(images: readonly SkypilotImage[]): string {
  const based = images.some((image) => image.baseImageId !== null);
  const width = based ? IMAGE_COLUMNS.length : IMAGE_COLUMNS.length - 1;
  const rows = images.map((image) => [
    image.tag,
    image.region ?? '',
    image.os,
    image.osVersion,
    image.imageId,
    image.creationDate ?? '',
    image.baseImageId ?? '',
  ]);
  return [IMAGE_COLUMNS, ...rows].map((cells) => csvRow(cells.slice(0, width))).join('');
}

/** @throws CsvError when the file is not this table */
export async function readSkypilotQuotas(source: ByteSource, key: QuotaKey): Promise<TableRead<QuotaMap>> {
  const quotas = new Map<string, QuotaCodes>();
  const columns = quotaColumns(key);
  const report = await readTexts(source, "SkyPilot's quota mapping", columns, columns, (cells) => {
    const [name = '', onDemand = '', spot = ''] = cells;
    if (name === '') return { column: key, reason: 'is empty' };
    if (quotas.has(name)) return { column: key, reason: 'is there twice' };
    quotas.set(name, { onDemand: onDemand || null, spot: spot || null });
    return null;
  });
  return { value: quotas, report };
}

export function writeSkypilotQuotas(quotas: QuotaMap, key: QuotaKey): string {
  const rows = [...quotas].map(([name, codes]) => [name, codes.onDemand ?? '', codes.spot ?? '']);
  return [quotaColumns(key), ...rows].map(csvRow).join('');
}

const IMAGE_COLUMNS = ['Tag', 'Region', 'OS', 'OSVersion', 'ImageId', 'CreationDate', 'BaseImageId'];

function quotaColumns(key: QuotaKey): readonly string[] {
  return [key, 'OnDemandInstanceCode', 'SpotInstanceCode'];
}

/** Rows of nothing but text; `onRow` says what is wrong with one, or null. */
async function readTexts(
  source: ByteSource,
  format: string,
  required: readonly string[],
  names: readonly string[],
  onRow: (cells: readonly string[]) => { readonly column: string; readonly reason: string } | null,
): Promise<ImportReport> {
  const count = new ImportCount();
  await readCsvTable(source, {
    format,
    count,
    onHeader: (header) => {
      requireColumns(header, format, required);
      const columns = names.map((name) => new CsvColumn(header.find(name), (text) => text.trim()));
      return (record: CsvRecord) => {
        const cells: string[] = [];
        for (const [at, column] of columns.entries()) {
          const cell = column.value(record);
          if (cell instanceof CellProblem) return count.reject(record.row, names[at] ?? null, cell.reason);
          cells.push(cell);
        }
        const problem = onRow(cells);
        if (problem === null) count.accept(null);
        else count.reject(record.row, problem.column, problem.reason, cells[0] ?? null);
      };
    },
  });
  return count.report();
}
