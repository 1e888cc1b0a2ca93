import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { AcceleratorVendor } from '@berth/core/offer';
import type { GpuMetrics } from './protocol.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;
const TIMEOUT_MS = 5_000;

/** One device as its vendor's tool tells of it. */
export interface GpuReading {
  readonly index: string;
  readonly uuid: string | null;
  readonly utilizationPercent: number | null;
  readonly memoryBytes: number | null;
}

/** Readings of all devices of this machine; empty where the vendor's tool is missing or fails. */
export async function readGpus(vendor: AcceleratorVendor | null): Promise<readonly GpuReading[]> {
  try {
    if (vendor === 'amd') {
      const { stdout } = await run('amd-smi', ['metric', '--usage', '--mem-usage', '--json'], { timeout: TIMEOUT_MS });
      return parseAmdSmi(stdout);
    }
    const fields = '--query-gpu=index,uuid,utilization.gpu,memory.used';
    const { stdout } = await run('nvidia-smi', [fields, '--format=csv,noheader,nounits'], { timeout: TIMEOUT_MS });
    return parseNvidiaSmi(stdout);
  } catch {
    return [];
  }
}

/** The readings of a job's devices, which are named by index or UUID, in the job's order. */
export function gpusOf(devices: readonly string[], readings: readonly GpuReading[]): readonly GpuMetrics[] {
  return devices.flatMap((device) => {
    const reading = readings.find((candidate) => candidate.index === device || candidate.uuid === device);
    if (reading === undefined) return [];
    return [{ device, utilizationPercent: reading.utilizationPercent, memoryBytes: reading.memoryBytes }];
  });
}

/** Lines of `index, uuid, percent, MiB`; what a device cannot tell is `[N/A]` or `[Not Supported]`. */
export function parseNvidiaSmi(csv: string): readonly GpuReading[] {
  return csv.split('\n').flatMap((line) => {
    const [index, uuid, utilization, memory] = line.split(',').map((field) => field.trim());
    if (index === undefined || uuid === undefined || !/^\d+$/.test(index)) return [];
    const mib = numberOrNull(memory);
    return [
      { index, uuid, utilizationPercent: numberOrNull(utilization), memoryBytes: mib === null ? null : mib * MIB },
    ];
  });
}

/**
 * `amd-smi metric --json`: a list of devices, or, since ROCm 6.4, an object with the list under
 * `gpu_data`. Numbers stand as `{ "value", "unit" }`, `"N/A"` where a device cannot tell.
 */
export function parseAmdSmi(json: string): readonly GpuReading[] {
  const parsed: unknown = JSON.parse(json);
  const devices = Array.isArray(parsed) ? parsed : field(parsed, 'gpu_data');
  if (!Array.isArray(devices)) return [];
  return devices.flatMap((device: unknown) => {
    const index = field(device, 'gpu');
    if (typeof index !== 'number') return [];
    const mib = quantity(field(field(device, 'mem_usage'), 'used_vram'));
    return [
      {
        index: String(index),
        uuid: null,
        utilizationPercent: quantity(field(field(device, 'usage'), 'gfx_activity')),
        memoryBytes: mib === null ? null : mib * MIB,
      },
    ];
  });
}

/** Early versions write the number as a string. */
function quantity(value: unknown): number | null {
  const number = field(value, 'value');
  return typeof number === 'number' ? number : numberOrNull(typeof number === 'string' ? number : undefined);
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function numberOrNull(text: string | undefined): number | null {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}
