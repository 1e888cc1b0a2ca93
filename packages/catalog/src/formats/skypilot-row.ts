/** The columns of SkyPilot's `vms.csv`, schemas v5 to v9, in any order. */

import type { CpuArch } from '@berth/core/offer';
import { EMPTY, HIGHEST, parseOptional, parseRequired, readNumber } from './cell-values.ts';
import type { CsvRecord } from './csv.ts';
import { CellProblem, CsvColumn } from './csv-column.ts';
import type { CsvHeader } from './csv-table.ts';
import { type BadCell, type Cells, rowShapes } from './row-shapes.ts';
import { type GpuInfo, parseGpuInfo } from './skypilot-gpu-info.ts';

/** What a row says apart from place and prices. */
export interface SkypilotShape {
  /** Empty: an accelerator whose host is priced apart. */
  readonly instanceType: string;
  /** Empty: none. */
  readonly accelerator: string;
  readonly count: number | null;
  readonly cpus: number | null;
  readonly memoryGib: number | null;
  readonly gpuInfo: GpuInfo | null;
  readonly arch: CpuArch | null;
  /** All local disks, in decimal GB, as clouds count them; null: not said. */
  readonly diskGb: number | null;
}

export type SkypilotCellProblem = BadCell<string>;

/** Of each row of the file, what it says so. */
export function skypilotShapes(header: CsvHeader): (record: CsvRecord) => SkypilotShape | SkypilotCellProblem {
  return rowShapes(shapeColumns(header), (read) => ('reason' in read ? read : shapeOf(read.cells)));
}

function shapeColumns(header: CsvHeader) {
  const at = <T>(name: string, parse: (text: string) => T | CellProblem) => new CsvColumn(header.find(name), parse);
  const optional = (highest: number) => (text: string) => parseOptional(text, highest);
  return {
    InstanceType: at('InstanceType', (text) => text.trim()),
    AcceleratorName: at('AcceleratorName', (text) => text.trim()),
    AcceleratorCount: at('AcceleratorCount', optional(HIGHEST.accelerators)),
    vCPUs: at('vCPUs', optional(HIGHEST.cpus)),
    MemoryGiB: at('MemoryGiB', optional(HIGHEST.memoryGib)),
    // README and files spell it in two ways; letter case does not matter here.
    GpuInfo: at('GpuInfo', parseGpuInfo),
    Arch: at('Arch', parseArch),
    LocalDiskSize: at('LocalDiskSize', optional(HIGHEST.diskGb)),
    LocalDiskCount: at('LocalDiskCount', optional(1000)),
  };
}

type SkypilotCells = Cells<ReturnType<typeof shapeColumns>>;

function shapeOf(cells: SkypilotCells): SkypilotShape | SkypilotCellProblem {
  const named = cells.AcceleratorName !== '';
  if (named && (cells.AcceleratorCount ?? 0) === 0) {
    return { column: 'AcceleratorCount', reason: 'is empty or 0, yet an accelerator is named' };
  }
  if (!named && (cells.AcceleratorCount ?? 0) > 0) {
    return { column: 'AcceleratorName', reason: 'is empty, yet there are accelerators' };
  }
  if (!named && cells.InstanceType === '') return { column: 'InstanceType', reason: 'is empty' };
  const disk = cells.LocalDiskSize === null ? null : cells.LocalDiskSize * (cells.LocalDiskCount ?? 1);
  return {
    instanceType: cells.InstanceType,
    accelerator: cells.AcceleratorName,
    count: named ? cells.AcceleratorCount : null,
    cpus: cells.vCPUs,
    memoryGib: cells.MemoryGiB,
    gpuInfo: cells.GpuInfo,
    arch: cells.Arch,
    diskGb: disk,
  };
}

/** i386 runs on what is x86 here. */
const ARCHITECTURES: ReadonlyMap<string, CpuArch | null> = new Map([
  ['', null],
  ['x86_64', 'x86'],
  ['i386', 'x86'],
  ['arm64', 'arm'],
]);

function parseArch(text: string): CpuArch | null | CellProblem {
  const arch = ARCHITECTURES.get(text.trim().toLowerCase());
  return arch === undefined ? new CellProblem('is no architecture that SkyPilot knows') : arch;
}

export interface SkypilotPlaceColumns {
  readonly region: CsvColumn<string>;
  readonly zone: CsvColumn<string>;
}

export function placeColumns(header: CsvHeader): SkypilotPlaceColumns {
  return {
    region: new CsvColumn(header.find('Region'), parseRequired),
    zone: new CsvColumn(header.find('AvailabilityZone'), (text) => text.trim()),
  };
}

/** A price of 0 is one that the cloud's list did not hold, so it is a problem; an empty cell is null. */
export function readPrice(record: CsvRecord, field: number): number | null | CellProblem {
  const price = readNumber(record, field, HIGHEST.price);
  if (price === EMPTY) return null;
  return price === 0 ? NO_PRICE : price;
}

const NO_PRICE = new CellProblem('is 0');
