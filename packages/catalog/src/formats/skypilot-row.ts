/** The columns of SkyPilot's `vms.csv`, schemas v5 to v9, in any order. */

import type { CpuArch } from '@berth/core/offer';
import { EMPTY, HIGHEST, parseOptional, parseRequired, readNumber } from './cell-values.ts';
import type { CsvRecord } from './csv.ts';
import { CellProblem, CsvColumn } from './csv-column.ts';
import type { CsvHeader } from './csv-table.ts';
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

export type SkypilotCellProblem = { readonly column: string; readonly reason: string };

export class SkypilotShapeColumns {
  static readonly WIDTH = 9;
  readonly #columns;

  constructor(header: CsvHeader) {
    const at = <T>(names: readonly string[], parse: (text: string) => T | CellProblem) =>
      new CsvColumn(header.find(...names), parse);
    const optional = (highest: number) => (text: string) => parseOptional(text, highest);
    this.#columns = {
      InstanceType: at(['InstanceType'], (text) => text.trim()),
      AcceleratorName: at(['AcceleratorName'], (text) => text.trim()),
      AcceleratorCount: at(['AcceleratorCount'], optional(HIGHEST.accelerators)),
      vCPUs: at(['vCPUs'], optional(HIGHEST.cpus)),
      MemoryGiB: at(['MemoryGiB'], optional(HIGHEST.memoryGib)),
      // README and files spell it in two ways; letter case does not matter here.
      GpuInfo: at(['GpuInfo'], parseGpuInfo),
      Arch: at(['Arch'], parseArch),
      LocalDiskSize: at(['LocalDiskSize'], optional(HIGHEST.diskGb)),
      LocalDiskCount: at(['LocalDiskCount'], optional(1000)),
    };
  }

  /** The codes of the row's cells; false: not all of them are kept, and the key says nothing. */
  readKey(record: CsvRecord, key: Int32Array): boolean {
    const columns = this.#columns;
    key[0] = columns.InstanceType.code(record);
    key[1] = columns.AcceleratorName.code(record);
    key[2] = columns.AcceleratorCount.code(record);
    key[3] = columns.vCPUs.code(record);
    key[4] = columns.MemoryGiB.code(record);
    key[5] = columns.GpuInfo.code(record);
    key[6] = columns.Arch.code(record);
    key[7] = columns.LocalDiskSize.code(record);
    key[8] = columns.LocalDiskCount.code(record);
    return !key.includes(0);
  }

  /** `key` must be that of the record at hand. */
  shape(key: Int32Array): SkypilotShape | SkypilotCellProblem {
    const columns = this.#columns;
    const cells = {
      InstanceType: columns.InstanceType.at(key[0] ?? 0),
      AcceleratorName: columns.AcceleratorName.at(key[1] ?? 0),
      AcceleratorCount: columns.AcceleratorCount.at(key[2] ?? 0),
      vCPUs: columns.vCPUs.at(key[3] ?? 0),
      MemoryGiB: columns.MemoryGiB.at(key[4] ?? 0),
      GpuInfo: columns.GpuInfo.at(key[5] ?? 0),
      Arch: columns.Arch.at(key[6] ?? 0),
      LocalDiskSize: columns.LocalDiskSize.at(key[7] ?? 0),
      LocalDiskCount: columns.LocalDiskCount.at(key[8] ?? 0),
    };
    for (const [column, value] of Object.entries(cells)) {
      if (value instanceof CellProblem) return { column, reason: value.reason };
    }
    return shapeOf(cells as Cells);
  }
}

interface Cells {
  readonly InstanceType: string;
  readonly AcceleratorName: string;
  readonly AcceleratorCount: number | null;
  readonly vCPUs: number | null;
  readonly MemoryGiB: number | null;
  readonly GpuInfo: GpuInfo | null;
  readonly Arch: CpuArch | null;
  readonly LocalDiskSize: number | null;
  readonly LocalDiskCount: number | null;
}

function shapeOf(cells: Cells): SkypilotShape | SkypilotCellProblem {
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
