/** What a row of gpuhunt's CSV says apart from place and price; a file has few of these and many rows. */

import { resolveAccelerator } from '@berth/core/accelerators';
import type { CpuArch } from '@berth/core/offer';
import type { CollectedAccelerator } from '../collected-offer.ts';
import type { NormalizeOptions } from '../normalize.ts';
import { HIGHEST, parseNumber, parseOptional, parseRequired, parseWhole } from './cell-values.ts';
import type { CsvRecord } from './csv.ts';
import { CellProblem, CsvColumn } from './csv-column.ts';
import type { CsvHeader } from './csv-table.ts';
import { GPUHUNT_VENDORS, type GpuhuntVendor } from './gpuhunt-columns.ts';
import { type OfferShape, offerShape } from './offer-shape.ts';
import { type Cells, rowShapes } from './row-shapes.ts';

/** Null: the cell is empty. */
type Vendor = GpuhuntVendor | null;

export type GpuhuntShape =
  | { readonly ok: true; readonly shape: OfferShape }
  | { readonly ok: false; readonly column: string | null; readonly reason: string };

/** Of each row of the file, what it says so. */
export function gpuhuntShapes(header: CsvHeader, options: NormalizeOptions): (record: CsvRecord) => GpuhuntShape {
  return rowShapes(shapeColumns(header), (read) =>
    'reason' in read ? { ok: false, ...read } : makeShape(read.cells, options),
  );
}

function shapeColumns(header: CsvHeader) {
  const at = <T>(name: string, parse: (text: string) => T | CellProblem) => new CsvColumn(header.find(name), parse);
  return {
    instance_name: at('instance_name', parseRequired),
    cpu: at('cpu', parseCount(HIGHEST.cpus)),
    memory: at('memory', (text) => parseNumber(text, HIGHEST.memoryGib)),
    gpu_count: at('gpu_count', parseCount(HIGHEST.accelerators)),
    gpu_name: at('gpu_name', (text) => text.trim()),
    gpu_memory: at('gpu_memory', (text) => parseOptional(text, HIGHEST.memoryGib)),
    spot: at('spot', parseSpot),
    disk_size: at('disk_size', (text) => parseOptional(text, HIGHEST.diskGb)),
    gpu_vendor: at('gpu_vendor', parseVendor),
    flags: at('flags', (text) => text.split(/\s+/).filter((flag) => flag !== '')),
    cpu_arch: at('cpu_arch', parseArch),
    provider_data: at('provider_data', parseProviderData),
  };
}

type GpuhuntCells = Cells<ReturnType<typeof shapeColumns>>;

function makeShape(cells: GpuhuntCells, options: NormalizeOptions): GpuhuntShape {
  const accelerator = cells.gpu_count === 0 ? null : readAccelerator(cells);
  if (accelerator instanceof CellProblem) return { ok: false, column: 'gpu_name', reason: accelerator.reason };
  if (accelerator === null && (cells.gpu_name !== '' || cells.gpu_vendor !== null)) {
    // A machine with GPUs that lost its details is sold as a dear CPU.
    return { ok: false, column: 'gpu_count', reason: 'is 0, yet a GPU or its vendor is named' };
  }
  const shape = offerShape(
    {
      instanceType: cells.instance_name,
      capacityType: cells.spot ? 'spot' : 'on-demand',
      cpus: cells.cpu,
      memoryMiB: cells.memory * 1024,
      cpuArch: cells.cpu_arch,
      accelerator,
      diskMiB: cells.disk_size === null ? null : cells.disk_size * 1024,
      flags: cells.flags,
      providerData: cells.provider_data,
    },
    options,
  );
  return typeof shape === 'string' ? { ok: false, column: null, reason: shape } : { ok: true, shape };
}

function readAccelerator(cells: GpuhuntCells): CollectedAccelerator | CellProblem {
  const historic = cells.gpu_name.startsWith('tpu-');
  const name = historic ? cells.gpu_name.slice('tpu-'.length) : cells.gpu_name;
  if (name === '') return new CellProblem('is empty, yet there are GPUs');
  const vendor = cells.gpu_vendor ?? (historic ? 'google' : 'nvidia');
  const registered = resolveAccelerator(name);
  // The memory of a slice of TPUs is that of one chip in some rows and of all in others; a chip's is known.
  const slice = registered?.count != null;
  const memoryMiB = slice || cells.gpu_memory === null ? null : cells.gpu_memory * 1024;
  if (registered !== null && registered.vendor !== vendor) {
    return new CellProblem(`is a device of ${registered.vendor}, not of ${vendor}`);
  }
  return { label: name, count: cells.gpu_count, memoryMiB, vendor };
}

/** Python's `int` takes no `4.0`, and neither does gpuhunt. */
function parseCount(highest: number): (text: string) => number | CellProblem {
  return (text) => (/[.eE]/.test(text) ? new CellProblem('is not a whole number') : parseWhole(text, highest));
}

function parseSpot(text: string): boolean | CellProblem {
  const folded = text.trim().toLowerCase();
  if (folded === 'true') return true;
  return folded === 'false' ? false : new CellProblem('is neither True nor False');
}

function parseVendor(text: string): Vendor | CellProblem {
  const folded = text.trim().toLowerCase();
  if (folded === '') return null;
  return GPUHUNT_VENDORS.find((vendor) => vendor === folded) ?? new CellProblem('is not a vendor that gpuhunt knows');
}

function parseArch(text: string): CpuArch | CellProblem {
  const folded = text.trim().toLowerCase();
  if (folded === '' || folded === 'x86') return 'x86';
  return folded === 'arm' ? 'arm' : new CellProblem('is neither x86 nor arm');
}

function parseProviderData(text: string): Readonly<Record<string, unknown>> | null | CellProblem {
  if (text.trim() === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return new CellProblem('is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new CellProblem('is no JSON object');
  const entries = Object.entries(value);
  return entries.length === 0 ? null : Object.fromEntries(entries);
}
